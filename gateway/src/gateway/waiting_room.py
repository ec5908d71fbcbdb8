"""Requests that wait for a replica or a model, within bounds."""

import asyncio
import contextlib
from collections.abc import Iterator

from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError
from gateway.replica_table import ReplicaTable


class WaitingRoom:
    """Holds requests until the fleet changes. For the event loop's thread only.

    Args:
        max_requests: Requests held at one time; beyond it 503 with Retry-After.
        max_bytes: Bytes of their bodies, likewise.
        hold_s: Longest time one request is held.
    """

    def __init__(
        self,
        table: ReplicaTable,
        clock: Clock,
        *,
        max_requests: int,
        max_bytes: int,
        hold_s: float,
    ) -> None:
        self._table = table
        self._clock = clock
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self.hold_s = hold_s
        self.held = 0
        self.held_bytes = 0
        self.demand: dict[str, int] = {}

    @contextlib.contextmanager
    def place(self, model: str, size: int, phase: str) -> Iterator[None]:
        """A place for one request; ``demand`` counts it under its model meanwhile.

        Raises: UnavailableError: the room is full; the detail says the phase.
        """
        if self.held >= self._max_requests or self.held_bytes + size > self._max_bytes:
            raise UnavailableError(
                f"Model {model!r} is not ready ({phase}), and as many requests as may wait are"
                " waiting. Try again later.",
                retry_after_s=5,
                code="waiting_room_full",
            )
        self.held += 1
        self.held_bytes += size
        self.demand[model] = self.demand.get(model, 0) + 1
        try:
            yield
        finally:
            self.held -= 1
            self.held_bytes -= size
            self.demand[model] -= 1
            if not self.demand[model]:
                del self.demand[model]

    async def next_change(self, until_s: float) -> bool:
        """Waits for the table to change; False when ``until_s`` came first."""
        left_s = until_s - self._clock.monotonic_s()
        if left_s <= 0:
            return False
        change = asyncio.ensure_future(self._table.next_change().wait())
        timer = asyncio.ensure_future(self._clock.sleep(left_s))
        try:
            done, _ = await asyncio.wait((change, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            timer.cancel()
        return change in done
