"""What a fleet costs that nobody asks for anything: memory and CPU of every process.

``python -m benchmarks.idle`` starts one (or measures the one whose supervisor is given by --pid),
lets it settle and prints a table: PSS, which counts what processes share once, from the kernel's
smaps_rollup, and CPU seconds from its accounting.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Server, command_line, cpu_s, free_port, pss_mib, tree

MIB_AT_MOST = 1.2 * 1024
SHARE_AT_MOST = 0.03


@dataclass(frozen=True, slots=True)
class Usage:
    """One process; ``cpu_share`` is of one core."""

    name: str
    pss_mib: float
    cpu_share: float


def measure(pids: Iterable[int], seconds: float) -> list[Usage]:
    """Every one of these processes over some seconds; one that ended meanwhile is left out."""
    before = {pid: cpu_s(pid) for pid in pids}
    begin_s = time.monotonic()
    time.sleep(seconds)
    took_s = time.monotonic() - begin_s
    return [
        Usage(_name(pid), pss_mib([pid]), (cpu_s(pid) - before[pid]) / took_s)
        for pid in before
        if Path(f"/proc/{pid}").exists()
    ]


def _name(pid: int) -> str:
    words = command_line(pid).split()
    if "-m" in words:
        return words[words.index("-m") + 1]
    return next(name for name in map(os.path.basename, reversed(words)) if name[:1].isalpha())


def report(usages: list[Usage]) -> str:
    rows = sorted(usages, key=lambda usage: -usage.pss_mib)
    rows.append(Usage("together", sum(u.pss_mib for u in usages), sum(u.cpu_share for u in usages)))
    lines = [f"{'':32}{'PSS MiB':>10}{'% of a core':>13}"]
    lines += [f"{u.name:32}{u.pss_mib:10.1f}{u.cpu_share * 100:13.2f}" for u in rows]
    return "\n".join(lines)


def start_fleet(stack: ExitStack) -> int:
    home = stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetserve-idle-"))
    port = free_port()
    command = ["env", f"PORT={port}", f"FLEETSERVE_HOME={home}"]
    command += [sys.executable, "-m", "fleetserve.cli", "up"]
    fleet = Server(command, f"http://127.0.0.1:{port}/health")
    stack.enter_context(fleet)
    return fleet.pid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pid", type=int, help="a running fleet's supervisor")
    parser.add_argument("--settle", type=float, default=20.0, help="seconds before the measurement")
    parser.add_argument("--seconds", type=float, default=60.0)
    args = parser.parse_args()
    with ExitStack() as stack:
        supervisor = args.pid or start_fleet(stack)
        time.sleep(args.settle)
        usages = measure(tree(supervisor), args.seconds)
    print(f"{len(usages)} processes, idle for {args.seconds:.0f} s\n")
    print(report(usages))
    memory, share = sum(u.pss_mib for u in usages), sum(u.cpu_share for u in usages)
    sys.exit(memory > MIB_AT_MOST or share > SHARE_AT_MOST)


if __name__ == "__main__":
    main()
