"""Time as a port, so that tests move it instead of waiting."""

import asyncio
import heapq
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time, monotonic time and sleep. Safe from any thread but for sleep (event loop)."""

    def now_s(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    # Bound as they are: a method around each would cost what they do, a dozen times per request.
    now_s = staticmethod(time.time)  # noqa: TID251 - the clock is where wall time comes from
    monotonic_s = staticmethod(time.monotonic)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """Stands still until advanced; sleepers wake in the order of their time.

    Args:
        start_s: Both the wall and the monotonic time at the beginning.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now_s(self) -> float:
        return self._now_s

    def monotonic_s(self) -> float:
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._now_s + seconds, self._count, future))
        await future

    def move(self, seconds: float) -> None:
        """Moves time without letting the event loop run; for synchronous code."""
        self._now_s += seconds

    async def advance(self, seconds: float) -> None:
        """Moves time on, waking each sleeper at its moment and letting its task run."""
        end_s = self._now_s + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end_s:
            due_s, _, future = heapq.heappop(self._sleepers)
            self._now_s = max(self._now_s, due_s)
            if not future.done():
                future.set_result(None)
            await self._settle()
        self._now_s = end_s

    async def _settle(self) -> None:
        # A woken task may go through several awaits that are ready at once.
        for _ in range(10):
            await asyncio.sleep(0)
