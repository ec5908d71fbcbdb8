"""Replicas that obey at once, for tests."""

from fleetserve.announcements import Announcement
from fleetserve.errors import ConflictError, FleetError


class MemoryReplicaCalls:
    """``made`` is what was asked, oldest first; ``failures`` is raised by name of the model.

    What stands in ``wanted`` is pinned or in use there.
    """

    def __init__(self) -> None:
        self.made: list[tuple[str, str, str]] = []
        self.failures: dict[str, FleetError] = {}
        self.alive: set[str] = set()
        self.wanted: set[str] = set()

    async def load(self, replica: Announcement, name: str, revision: str) -> None:
        self.made.append(("load", replica.replica_id, f"{name}@{revision}"))
        if name in self.failures:
            raise self.failures[name]

    async def unload(
        self, replica: Announcement, name: str, revision: str, *, idle_s: float | None = None
    ) -> None:
        if idle_s is not None and name in self.wanted:
            raise ConflictError(f"{name} has been used meanwhile.", code="model_in_use")
        self.made.append(("unload", replica.replica_id, f"{name}@{revision}"))
        if name in self.failures:
            raise self.failures[name]

    async def is_alive(self, replica: Announcement) -> bool:
        return replica.replica_id in self.alive

    async def close(self) -> None:
        self.made.clear()
