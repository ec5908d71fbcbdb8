"""How long a replica takes to its first answer, beside what importing its libraries alone takes.

``python -m benchmarks.ready`` starts a fleet that has MiniLM, kills its replica each round and asks
for an embedding at once: the gateway holds the request until the new replica answers. Times count
from the start of the new process, as the kernel tells it; the imports are those of a process that
does nothing else, in turn with the replica.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx

from benchmarks.peers.setups import EMBED, ONE_THREAD, SUM, Fleetserve, Running
from benchmarks.processes import children, command_line
from fleetserve.clock import SystemClock

CLOCK = SystemClock()
MODULE = "-m inference_svc"
BARE = "import inference_svc.app, torch"
WITH_LIBRARY = f"{BARE}; from transformers import AutoModel, AutoTokenizer; import tokenizers"
MOST_MORE_S = 1.0
PATIENCE_S = 60.0


def import_s(python: Path, statement: str) -> float:
    """Wall seconds from the start of that Python to the end of its imports."""
    script = f"{statement}\nimport time, sys; sys.stdout.write(str(time.time()))"
    begin_s = CLOCK.now_s()
    done = subprocess.run(
        [str(python), "-c", script],
        env={"PATH": os.defpath, **ONE_THREAD},
        check=True,
        capture_output=True,
    )
    return float(done.stdout) - begin_s


def replica_of(running: Running) -> int | None:
    """The pid of the replica that runs now."""
    for pid in children(running.pid):
        try:
            if command_line(pid).strip().endswith(MODULE):
                return pid
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def start_s(pid: int) -> float:
    """Wall time when a process began."""
    ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    booted_s = next(
        int(line.split()[1])
        for line in Path("/proc/stat").read_text().splitlines()
        if line.startswith("btime")
    )
    return booted_s + ticks / os.sysconf("SC_CLK_TCK")


def ready_at_s(log: Path, pid_start_s: float) -> float:
    """When the replica said that it is ready. Raises: TimeoutError."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        for line in reversed(log.read_text().splitlines()):
            told = json.loads(line)
            if told.get("event") == "replica.ready":
                at_s = _wall_s(told["ts"])
                if at_s > pid_start_s:
                    return at_s
                break
        time.sleep(0.1)
    raise TimeoutError("the new replica was not ready in time")


def _wall_s(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def one_round(running: Running, setup: Fleetserve, log: Path) -> tuple[float, float]:
    """Seconds to readiness and to the first embedding."""
    old = replica_of(running)
    assert old is not None
    os.kill(old, signal.SIGKILL)
    answer = httpx.post(
        running.base + setup.path(EMBED),
        content=setup.body(EMBED, "Is anybody there?"),
        headers=setup.headers(EMBED),
        timeout=PATIENCE_S,
    )
    answered_s = CLOCK.now_s()
    answer.raise_for_status()
    new = replica_of(running)
    assert new is not None
    begin_s = start_s(new)
    return ready_at_s(log, begin_s) - begin_s, answered_s - begin_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    rows: list[tuple[float, float, float, float]] = []
    with tempfile.TemporaryDirectory(prefix="fleetserve-ready-") as name:
        setup = Fleetserve(Path(name))
        setup.install()
        with setup.running(SUM, EMBED) as running:
            log = next((Path(name) / "home" / "logs").glob("inference-svc-*.jsonl"))
            for _ in range(args.rounds):
                imports = import_s(setup.python(), BARE), import_s(setup.python(), WITH_LIBRARY)
                rows.append((*imports, *one_round(running, setup, log)))
    bare, library, ready, answered = (
        statistics.median(column) for column in zip(*rows, strict=True)
    )
    print(f"medians of {len(rows)} rounds, seconds from the start of the process\n")
    print(f"{'its imports alone':36}{bare:8.2f}")
    print(f"{'replica ready':36}{ready:8.2f}")
    print(f"{'its imports and transformers':36}{library:8.2f}")
    print(f"{'first MiniLM embedding answered':36}{answered:8.2f}")
    sys.exit(ready > bare + MOST_MORE_S or answered > library + MOST_MORE_S)


if __name__ == "__main__":
    main()
