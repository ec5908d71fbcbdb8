"""The fleet as the last tick saw it, for whoever asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autoscaler_svc.census import Member, MemberState
from autoscaler_svc.intents.base import Floor
from autoscaler_svc.model_ledger import BUILT_IN, Asked
from autoscaler_svc.placement import Host
from autoscaler_svc.service_scaler import Assessment
from fleetserve.config import AutoscalerConfig
from fleetserve.model_records import ModelRecord


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service.

    Attributes:
        trouble: Why a replica could not be started, if one could not.
        no_room: Models that no replica has room for.
    """

    service: str
    assessment: Assessment
    members: tuple[Member, ...]
    starting: int
    hosts: tuple[Host, ...]
    asked: Mapping[str, Asked]
    trouble: str = ""
    no_room: tuple[str, ...] = ()

    @property
    def desired(self) -> int:
        return self.assessment.decision.desired

    @property
    def ready(self) -> int:
        return self.assessment.ready

    @property
    def leaving(self) -> int:
        return sum(m.state is MemberState.LEAVING for m in self.members)

    @property
    def live(self) -> int:
        return sum(m.is_live for m in self.members) + self.starting

    @property
    def settled(self) -> bool:
        """Nobody comes or goes, and nothing has to be done about their number."""
        known = sum(m.is_live and m.unit is not None for m in self.members) + self.starting
        moving = self.leaving or self.ready != self.live
        return not moving and known <= self.desired <= self.live

    def instances(self, model: str, *, ready: bool = True) -> int:
        """Replicas that have the model."""
        return sum(
            model in h.instances and (h.instances[model].ready or not ready) for h in self.hosts
        )


@dataclass(frozen=True, slots=True)
class FleetState:
    """Everything at one moment.

    Attributes:
        at_s: Seconds since the epoch.
        problem: Why nothing can be decided now; what stands here is then of before.
    """

    at_s: float
    services: Mapping[str, ServiceState]
    records: Mapping[str, ModelRecord]
    floors: Mapping[str, Floor]
    config: AutoscalerConfig
    leader: str
    leads: bool
    engine_away: str = ""
    problem: str = ""
    residents: frozenset[str] = field(default_factory=frozenset)
    pinned: frozenset[str] = field(default_factory=frozenset)

    @property
    def known_scalings(self) -> set[str]:
        """Ids of the floors that were taken into account."""
        return {floor.scaling_id for floor in self.floors.values()}

    def known_models(self) -> set[str]:
        return {*BUILT_IN, *self.records}
