"""CPU per request of gateway and replica for `example`, beside a bare echo and plain FastAPI.

``python -m benchmarks.overhead`` starts everything itself, runs the four in turn for several
rounds and prints the medians. One core's worth of time, from the kernel's own accounting.
"""

import argparse
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.fleet import cpu_of, load, start_fleet
from benchmarks.processes import Server, free_port


def measure(
    url: str, pids: Mapping[str, int], connections: int, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    """The load's result and, per process, µs of CPU per request."""
    before = cpu_of(pids)
    result = load(url, connections, seconds)
    spent = {name: s - before[name] for name, s in cpu_of(pids).items()}
    return result, {name: s / result["requests"] * 1e6 for name, s in spent.items()}


def start_rival(stack: ExitStack, app: str) -> tuple[str, dict[str, int]]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"benchmarks.rivals:{app}", "--port", str(port)]
    command += ["--no-access-log", "--log-level", "error", "--lifespan", "off"]
    server = Server(command, f"http://127.0.0.1:{port}/")
    stack.enter_context(server)
    return f"http://127.0.0.1:{port}/predict", {app: server.pid}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=16)
    args = parser.parse_args()
    spent: dict[str, list[float]] = defaultdict(list)
    rates: dict[str, list[float]] = defaultdict(list)
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetserve-bench-"))
        fleet = start_fleet(stack, Path(home))
        setups: dict[str, tuple[str, Mapping[str, int]]] = {
            "fleet": (f"{fleet.url}/predict", fleet.pids),
            "bare ASGI echo": start_rival(stack, "echo"),
            "plain FastAPI": start_rival(stack, "plain"),
        }
        for url, _ in setups.values():
            load(url, args.connections, 1.0)
        for _ in range(args.rounds):
            for name, (url, pids) in setups.items():
                result, used = measure(url, pids, args.connections, args.seconds)
                rates[name].append(result["rps"])
                for process, micros in used.items():
                    spent[process if name == "fleet" else name].append(micros)
    report(spent, rates, args.connections)


def report(spent: dict[str, list[float]], rates: dict[str, list[float]], connections: int) -> None:
    both = [g + r for g, r in zip(spent["gateway"], spent["replica"], strict=True)]
    rows = {**spent, "gateway and replica": both}
    print(f"{connections} connections, 45-byte JSON, medians of {len(both)} rounds\n")
    print(f"{'':24}{'µs CPU/request':>16}{'min':>8}{'max':>8}")
    for name, values in rows.items():
        low, high = min(values), max(values)
        print(f"{name:24}{statistics.median(values):16.0f}{low:8.0f}{high:8.0f}")
    print(f"\n{'':24}{'requests/s':>16}")
    for name, values in rates.items():
        print(f"{name:24}{statistics.median(values):16.0f}")


if __name__ == "__main__":
    main()
