"""Processes that exist only in memory, for tests of what is built on them."""

import asyncio
from collections.abc import Callable
from itertools import count

from fleetserve.supervisor.spawner.base import Command

SIGTERM_STATUS = 143
SIGKILL_STATUS = 137


class MemoryChild:
    """Ends when told to, or when a test says so.

    Args:
        stubborn: Does not end on SIGTERM.
    """

    def __init__(self, pid: int, on_output: Callable[[bytes], None], *, stubborn: bool) -> None:
        self.pid = pid
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.stubborn = stubborn
        self.terminations = 0
        self._on_output = on_output

    def terminate(self) -> None:
        self.terminations += 1
        if not self.stubborn:
            self.exit(SIGTERM_STATUS)

    def kill(self) -> None:
        self.exit(SIGKILL_STATUS)

    def exit(self, status: int) -> None:
        if not self.exited.done():
            self.exited.set_result(status)

    def say(self, data: bytes) -> None:
        self._on_output(data)


class MemorySpawner:
    """Remembers what it was asked for.

    Attributes:
        refusals: Errors that the next calls raise, in order.
    """

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.children: list[MemoryChild] = []
        self.refusals: list[OSError] = []
        self.stubborn = False
        self._pids = count(1001)

    def spawn(self, command: Command, on_output: Callable[[bytes], None]) -> MemoryChild:
        if self.refusals:
            raise self.refusals.pop(0)
        child = MemoryChild(next(self._pids), on_output, stubborn=self.stubborn)
        self.commands.append(command)
        self.children.append(child)
        return child
