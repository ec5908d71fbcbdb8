"""The port to what the fleet tells of itself."""

from dataclasses import dataclass
from typing import Protocol

from fleetserve.announcements import Announcement
from fleetserve.demand import Demand
from fleetserve.model_policies import ModelPolicy
from fleetserve.model_records import ModelRecord


@dataclass(frozen=True, slots=True)
class Sight:
    """The fleet at one moment: who announces itself, and what gateways have to do."""

    announcements: tuple[Announcement, ...]
    demands: tuple[Demand, ...]


class FleetView(Protocol):
    """Reads, and keeps nothing; for the event loop.

    Every method raises UnavailableError where the fleet can't be heard now. Who is not heard
    then is not gone.
    """

    async def look(self) -> Sight: ...

    async def models(self) -> dict[str, ModelRecord]:
        """What is built in and what the registry knows, by name."""
        ...

    async def policies(self) -> dict[str, ModelPolicy]:
        """What somebody asked of models, by name; none for most."""
        ...

    async def memory_mb(self, service: str) -> float | None:
        """Resident memory of the largest process of a service; None where none has told."""
        ...
