"""The port to the operating system's processes."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments and its whole environment."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


class Child(Protocol):
    """One running process. Call from the event loop's thread; nothing here blocks."""

    @property
    def pid(self) -> int: ...

    @property
    def exited(self) -> asyncio.Future[int]:
        """Done with the exit status as a shell has it: 128 + n for signal n."""
        ...

    def terminate(self) -> None:
        """Asks the process to end (SIGTERM). Nothing happens when it has ended."""
        ...

    def kill(self) -> None:
        """Ends the process and everything in its group (SIGKILL)."""
        ...


class Spawner(Protocol):
    def spawn(self, command: Command, on_output: Callable[[bytes], None]) -> Child:
        """Starts a process of its own group and session that ends with the supervisor.

        ``on_output`` gets its stdout and stderr as they come, from the event loop.

        Raises: OSError: the operating system refuses; nothing was started.
        """
        ...
