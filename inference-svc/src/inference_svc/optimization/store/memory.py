"""Tunings in memory, for tests.

Raises what ``failure`` says, while it is set.
"""

from fleetserve.errors import ModelNotFoundError
from fleetserve.tunings import Tuning


class MemoryTuningStore:
    """Knows the models it is given."""

    def __init__(self, *names: str) -> None:
        self.kept: dict[str, dict[tuple[str, str, str], Tuning]] = {name: {} for name in names}
        self.failure: Exception | None = None

    async def put(self, name: str, tuning: Tuning) -> None:
        if self.failure is not None:
            raise self.failure
        if name not in self.kept:
            raise ModelNotFoundError(name)
        self.kept[name][tuning.key] = tuning

    async def close(self) -> None:
        self.kept = {}
