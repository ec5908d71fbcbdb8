"""A fleet that tests make up."""

from autoscaler_svc.fleet.base import Sight
from fleetserve.announcements import Announcement
from fleetserve.built_in import SPEECH_MODELS
from fleetserve.demand import Demand
from fleetserve.errors import UnavailableError
from fleetserve.model_policies import ModelPolicy
from fleetserve.model_records import ModelRecord


class MemoryFleet:
    """Tells what stands in its attributes; ``away``: why it can't be heard, if it can't."""

    def __init__(self) -> None:
        self.announcements: dict[str, Announcement] = {}
        self.demands: dict[str, Demand] = {}
        self.records: dict[str, ModelRecord] = {}
        self.asked: dict[str, ModelPolicy] = {}
        self.memory: dict[str, float] = {}
        self.away = ""

    def announce(self, announcement: Announcement) -> None:
        self.announcements[announcement.replica_id] = announcement

    def forget(self, replica_id: str) -> None:
        self.announcements.pop(replica_id, None)

    def tell(self, demand: Demand) -> None:
        self.demands[demand.gateway] = demand

    async def look(self) -> Sight:
        self._ask()
        return Sight(tuple(self.announcements.values()), tuple(self.demands.values()))

    async def models(self) -> dict[str, ModelRecord]:
        self._ask()
        return {record.name: record for record in SPEECH_MODELS} | self.records

    async def policies(self) -> dict[str, ModelPolicy]:
        self._ask()
        return dict(self.asked)

    async def memory_mb(self, service: str) -> float | None:
        self._ask()
        return self.memory.get(service)

    def _ask(self) -> None:
        if self.away:
            raise UnavailableError(self.away)
