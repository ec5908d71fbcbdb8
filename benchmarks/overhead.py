"""CPU per request of gateway and replica for `example`, beside a bare echo and plain FastAPI.

``python -m benchmarks.overhead`` starts everything itself, runs the four in turn for several
rounds and prints the medians. One core's worth of time, from the kernel's own accounting.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack

from benchmarks.processes import Server, children, command_line, cpu_s, free_port


def load(url: str, connections: int, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.load", url]
    command += ["--connections", str(connections), "--seconds", str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True)
    result: dict[str, float] = json.loads(done.stdout)
    if result["failures"]:
        raise RuntimeError(f"{url}: requests failed: {result['failures']}")
    return result


def measure(
    url: str, pids: dict[str, int], connections: int, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    """The load's result and, per process, µs of CPU per request."""
    before = {name: cpu_s(pid) for name, pid in pids.items()}
    result = load(url, connections, seconds)
    spent = {
        name: (cpu_s(pid) - before[name]) / result["requests"] * 1e6 for name, pid in pids.items()
    }
    return result, spent


def start_fleet(stack: ExitStack) -> tuple[str, dict[str, int]]:
    home = stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetserve-bench-"))
    port = free_port()
    command = ["env", f"PORT={port}", f"FLEETSERVE_HOME={home}"]
    command += [sys.executable, "-m", "fleetserve.cli", "up"]
    fleet = Server(command, f"http://127.0.0.1:{port}/health")
    stack.enter_context(fleet)
    commands = {pid: command_line(pid) for pid in children(fleet.pid)}
    pids = {
        name: next(pid for pid, command in commands.items() if f"-m {module}" in command)
        for name, module in (("gateway", "gateway"), ("replica", "inference_svc"))
    }
    return f"http://127.0.0.1:{port}/predict", pids


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
        setups = {
            "fleet": start_fleet(stack),
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
