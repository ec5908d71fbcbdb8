"""What every spawner promises: the real one and the one in memory."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from fleetserve.supervisor.spawner.base import Child, Command, Spawner
from fleetserve.supervisor.spawner.memory import MemoryChild, MemorySpawner
from fleetserve.supervisor.spawner.posix import PosixSpawner

TIMEOUT_S = 20
OBEDIENT = "echo up; exec sleep 1000"
DEAF = "trap '' TERM; echo up; while true; do sleep 1000; done"


@dataclass
class Bench:
    """A spawner, and how its processes come to say something and to end."""

    spawner: Spawner
    act: Callable[[Child, str], None]
    stubborn: Callable[[bool], None]


@pytest.fixture(params=["posix", "memory"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    if request.param == "posix":
        posix = PosixSpawner()
        yield Bench(posix, lambda _, __: None, lambda _: None)
        posix.close()
        return
    memory = MemorySpawner()

    def act(child: Child, script: str) -> None:
        assert isinstance(child, MemoryChild)
        if script.startswith("exit"):
            child.exit(int(script.split()[1]))
        else:
            child.say(b"up\n")

    yield Bench(memory, act, lambda value: setattr(memory, "stubborn", value))


class Running:
    """A process that has said something, as far as it says anything."""

    def __init__(self, bench: Bench, script: str, *, stubborn: bool = False) -> None:
        self.heard = asyncio.Event()
        self.output = b""
        bench.stubborn(stubborn)
        command = Command(("sh", "-c", script), {"PATH": os.defpath})
        self.child = bench.spawner.spawn(command, self._on_output)
        bench.act(self.child, script)

    def _on_output(self, data: bytes) -> None:
        self.output += data
        self.heard.set()

    async def up(self) -> Child:
        await asyncio.wait_for(self.heard.wait(), TIMEOUT_S)
        return self.child

    async def status(self) -> int:
        return await asyncio.wait_for(asyncio.shield(self.child.exited), TIMEOUT_S)


@pytest.mark.parametrize("status", [0, 3])
async def test_exit_status_is_the_process_s_own(bench: Bench, status: int) -> None:
    assert await Running(bench, f"exit {status}").status() == status


async def test_output_arrives_while_it_runs(bench: Bench) -> None:
    running = Running(bench, OBEDIENT)
    child = await running.up()
    assert running.output == b"up\n"
    assert not child.exited.done()
    child.kill()
    await running.status()


async def test_terminate_ends_a_process_that_obeys(bench: Bench) -> None:
    running = Running(bench, OBEDIENT)
    (await running.up()).terminate()
    assert await running.status() == 143


async def test_kill_ends_one_that_does_not(bench: Bench) -> None:
    running = Running(bench, DEAF, stubborn=True)
    child = await running.up()
    child.terminate()
    child.kill()
    assert await running.status() == 137


async def test_orders_to_an_ended_process_change_nothing(bench: Bench) -> None:
    running = Running(bench, "exit 5")
    await running.status()
    running.child.terminate()
    running.child.kill()
    assert await running.status() == 5


async def test_processes_are_told_apart(bench: Bench) -> None:
    first, second = Running(bench, OBEDIENT), Running(bench, OBEDIENT)
    assert (await first.up()).pid != (await second.up()).pid
    first.child.kill()
    await first.status()
    assert not second.child.exited.done()
    second.child.kill()
    await second.status()
