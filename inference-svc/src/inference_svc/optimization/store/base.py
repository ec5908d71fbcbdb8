"""The port to where tunings are kept."""

from typing import Protocol

from fleetserve.tunings import Tuning


class TuningStore(Protocol):
    """For the event loop.

    Raises: UnavailableError: it can't be reached now; ModelNotFoundError: no such model.
    """

    async def put(self, name: str, tuning: Tuning) -> None:
        """Keeps it; an earlier one for the same revision, torch and hardware is replaced."""
        ...

    async def close(self) -> None: ...
