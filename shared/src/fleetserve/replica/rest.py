"""What a replica gives back while it has nothing to do."""

from collections.abc import Awaitable, Callable
from typing import Any

from fleetserve.clock import Clock
from fleetserve.replica.memory import give_back_heap
from fleetserve.replica.slot import ComputeSlot

REST_S = 5.0


class Rest:
    """Once nothing was computed for REST_S, freed memory goes back to the system, once.

    Batches of MiniLM leave 136 of 591 MiB with the allocator; to have it again costs the next
    ones some milliseconds of page faults.

    Args:
        in_thread: Runs it where it holds nobody up.
    """

    def __init__(
        self,
        slot: ComputeSlot,
        clock: Clock,
        in_thread: Callable[[Callable[[], None]], Awaitable[Any]],
        give_back: Callable[[], None] = give_back_heap,
    ) -> None:
        self._slot = slot
        self._clock = clock
        self._in_thread = in_thread
        self._give_back = give_back
        self._seen = 0
        self._done = 0

    async def run(self) -> None:
        """Looks until cancelled."""
        while True:
            await self._clock.sleep(REST_S)
            await self.look()

    async def look(self) -> None:
        """Gives back where nothing was computed since the last look but something before."""
        seen, self._seen = self._seen, self._slot.progress
        if self._seen == seen != self._done and self._slot.busy_s() == 0:
            self._done = seen
            await self._in_thread(self._give_back)
