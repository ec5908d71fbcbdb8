"""No process outlives its supervisor, however that ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.supervisor.conftest import StartFleet
from tests.integration.supervisor.fleet_runner import (
    PROCESSES,
    RunningFleet,
    outlive,
    wait_until_gone,
)

# Starts a shell with a child of its own, says both pids, and waits to be killed.
LONE_SPAWNER = """
import asyncio, sys
from fleetserve.supervisor.spawner.base import Command
from fleetserve.supervisor.spawner.posix import PosixSpawner

async def main():
    spawner = PosixSpawner(death_signal=sys.argv[1] == "kernel")
    script = "sleep 1000 & echo $$ $!; wait"
    spawner.spawn(Command(("sh", "-c", script), {"PATH": sys.argv[2]}), on_output)
    print(spawner._watcher.pid, end=" ", flush=True)
    await asyncio.Event().wait()

def on_output(data):
    print(data.decode(), end="", flush=True)

asyncio.run(main())
"""


def watcher_of(fleet: RunningFleet) -> int:
    for pid in fleet.pids():
        if b"watcher.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError("no watcher runs")


def test_kill_of_the_supervisor_leaves_no_process(start_fleet: StartFleet) -> None:
    fleet = start_fleet(TINY_INFERENCE_SVC_1="family", TINY_AUDIO_SVC_1="deaf")
    fleet.wait_until_ready()
    pids = fleet.pids()
    assert len(pids) == len(PROCESSES) + 2  # the watcher, the child of one service
    fleet.signal(signal.SIGKILL)
    assert wait_until_gone(pids) == set()
    assert outlive(fleet.home) == set()


def test_kill_of_watcher_and_supervisor_leaves_no_service(fleet: RunningFleet) -> None:
    pids = fleet.pids()
    os.kill(watcher_of(fleet), signal.SIGKILL)
    fleet.signal(signal.SIGKILL)
    assert wait_until_gone(pids) == set()


@pytest.mark.parametrize("line", ["^fleetserve", "^  ready  redis", "^  ready"])
def test_kill_of_a_starting_supervisor_leaves_no_process(
    start_fleet: StartFleet, line: str
) -> None:
    fleet = start_fleet()
    fleet.wait_for(line)
    pids = fleet.pids()
    fleet.signal(signal.SIGKILL)
    fleet.process.wait()
    assert wait_until_gone(pids) == set()
    assert outlive(fleet.home) == set()


def start_lone_spawner(containment: str) -> tuple[subprocess.Popen[str], list[int]]:
    spawner = subprocess.Popen(
        [sys.executable, "-c", LONE_SPAWNER, containment, os.defpath],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert spawner.stdout is not None
    return spawner, [int(word) for word in spawner.stdout.readline().split()]


def test_watcher_alone_ends_children_and_grandchildren() -> None:
    spawner, (watcher, child, grandchild) = start_lone_spawner("watcher")
    spawner.kill()
    assert wait_until_gone({watcher, child, grandchild}) == set()
    spawner.communicate()


def test_kernel_alone_ends_children() -> None:
    spawner, (watcher, child, grandchild) = start_lone_spawner("kernel")
    os.kill(watcher, signal.SIGKILL)
    spawner.kill()
    assert wait_until_gone({watcher, child}) == set()
    os.kill(grandchild, signal.SIGKILL)
    spawner.communicate()


def test_killed_watcher_is_replaced_while_the_fleet_runs(fleet: RunningFleet) -> None:
    first = watcher_of(fleet)
    os.kill(first, signal.SIGKILL)
    assert wait_until_gone({first}) == set()
    with fleet.engine() as engine:
        engine.get("/processes")
    assert watcher_of(fleet) != first


def test_output_of_the_supervisor_may_end(start_fleet: StartFleet) -> None:
    fleet = start_fleet()
    fleet.wait_until_ready()
    pids = fleet.pids()
    assert fleet.process.stdout is not None
    fleet.process.stdout.close()
    fleet.press_ctrl_c()
    assert fleet.process.wait(30) == 0
    assert wait_until_gone(pids) == set()
