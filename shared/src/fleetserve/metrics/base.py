"""The port that roll-ups are kept behind."""

from typing import Protocol

from fleetserve.metrics.rollup import RollUp

KEPT_S = 900


class MetricsStore(Protocol):
    """Keeps the last 15 minutes of every process's roll-ups.

    Both calls are for the event loop. Recording the same second of a process again replaces
    it. Raises: UnavailableError: the store can't be reached; nothing was kept.
    """

    async def record(self, rollup: RollUp) -> None: ...

    async def window(self, since_s: float) -> list[RollUp]:
        """Every process's roll-ups of ``since_s`` and later, oldest first."""
        ...
