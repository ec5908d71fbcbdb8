"""The worker's knowledge of the fleet, kept while there is work, so that idling costs nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from fleetserve.clock import Clock
from fleetserve.lifetime import Loop, end_tasks, start_loops
from gateway.directory.base import Directory

LINGER_S = 30.0
LOOK_EVERY_S = 0.02


class FleetLink:
    """For the event loop.

    Args:
        open_directory: A new one, which has heard nothing yet.
        others: What runs beside it.
        clock: The process's.
        linger_s: How long it stays after the last user, for the next one.
    """

    def __init__(
        self,
        open_directory: Callable[[], Directory],
        others: Sequence[Loop],
        clock: Clock,
        *,
        linger_s: float = LINGER_S,
    ) -> None:
        self._open_directory = open_directory
        self._others = others
        self._clock = clock
        self._linger_s = linger_s
        self._users = 0
        self._directory: Directory | None = None
        self._tasks: list[asyncio.Future[None]] = []
        self._end: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def used(self) -> AsyncIterator[None]:
        """Within the block, models and replicas are known: begins when they have been heard of."""
        self._users += 1
        if self._end is not None:
            self._end.cancel()
            self._end = None
        directory = self._directory or self._start()
        try:
            while directory.away_reason:
                await self._clock.sleep(LOOK_EVERY_S)
            yield
        finally:
            self._users -= 1
            if not self._users:
                loop = asyncio.get_running_loop()
                self._end = loop.call_later(self._linger_s, self._stop)

    async def close(self) -> None:
        """At the end of the process."""
        tasks, self._tasks = self._tasks, []
        self._directory = None
        await end_tasks(tasks)

    @property
    def is_up(self) -> bool:
        return self._directory is not None

    def _start(self) -> Directory:
        directory = self._directory = self._open_directory()
        self._tasks = start_loops([directory.run, *self._others], self._clock)
        return directory

    def _stop(self) -> None:
        self._directory = None
        for task in self._tasks:
            task.cancel()
        self._tasks = []
