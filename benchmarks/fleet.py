"""A fleet that a benchmark starts, and load on it by a process of its own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Server, children, command_line, cpu_s, free_port


@dataclass(frozen=True, slots=True)
class Fleet:
    """``pids``: of the gateway and of the inference replica."""

    url: str
    pids: Mapping[str, int]


def start_fleet(stack: ExitStack, home: Path) -> Fleet:
    """Ready when this returns; ended with the stack."""
    port = free_port()
    command = ["env", f"PORT={port}", f"FLEETSERVE_HOME={home}"]
    command += [sys.executable, "-m", "fleetserve.cli", "up"]
    server = stack.enter_context(Server(command, f"http://127.0.0.1:{port}/v2/health/ready"))
    commands = {pid: command_line(pid) for pid in children(server.pid)}
    pids = {
        name: next(pid for pid, command in commands.items() if f"-m {module}" in command)
        for name, module in (("gateway", "gateway"), ("replica", "inference_svc"))
    }
    return Fleet(f"http://127.0.0.1:{port}", pids)


def load(
    url: str,
    connections: int,
    seconds: float,
    *,
    body: Path | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, float]:
    """What the load client says; `example` is asked unless there is another body.

    Raises: RuntimeError: a request failed.
    """
    command = [sys.executable, "-m", "benchmarks.load", url]
    command += ["--connections", str(connections), "--seconds", str(seconds)]
    command += ["--bodies", str(body)] if body is not None else []
    command += ["--headers", json.dumps(headers)] if headers else []
    done = subprocess.run(command, check=True, capture_output=True)
    result: dict[str, float] = json.loads(done.stdout)
    if result["failures"]:
        raise RuntimeError(f"{url}: requests failed: {result['failures']}")
    return result


def cpu_of(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of CPU of each process so far."""
    return {name: cpu_s(pid) for name, pid in pids.items()}
