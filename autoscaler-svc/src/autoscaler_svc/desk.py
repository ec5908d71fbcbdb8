"""Everything that is decided about one service, and what of it is worth writing down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler_svc.bounds import Room
from autoscaler_svc.census import Member
from autoscaler_svc.chronicle import Note
from autoscaler_svc.fleet_state import ServiceState
from autoscaler_svc.intents.base import SERVICE_PREFIX, Floor
from autoscaler_svc.journal.base import EntryKind
from autoscaler_svc.model_ledger import ModelLedger, asked_by_model, hosts_of
from autoscaler_svc.observer import Observation
from autoscaler_svc.placement import Host, Need, NoRoom, Step, Terms, plan_placement
from autoscaler_svc.service_scaler import Assessment, Floors, ServiceScaler, Situation
from fleetserve.config import AutoscalerConfig


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a service does not know of itself.

    Attributes:
        starting: Replicas on their way.
        at_start: Replicas that the configuration says the fleet begins with.
        rooms_add_up: Each replica brings memory of its own for models.
        trouble: Why the last start failed, if it did.
        blocked: Pairs of model and replica that nothing is asked of now.
    """

    now_s: float
    room: Room
    replica_mb: float
    starting: int
    at_start: int
    rooms_add_up: bool
    trouble: str
    blocked: set[tuple[str, str]]


class ServiceDesk:
    """One service: its replicas and its models."""

    def __init__(self, service: str, config: AutoscalerConfig) -> None:
        self.service = service
        self.scaler = ServiceScaler(service, config)
        self.ledger = ModelLedger(service)
        self._config = config
        self._desired: int | None = None
        self._seen: set[str] | None = None
        self._order: Floor | None = None

    def configure(self, config: AutoscalerConfig) -> None:
        self._config = config
        self.scaler.configure(config)

    def take_orders(
        self, floors: Mapping[str, Floor], hosts: Sequence[Host], now_s: float
    ) -> list[Floor]:
        """The floors of this service that were not there before; those of a start are old."""
        own = [floor for floor in floors.values() if floor.service == self.service]
        before = self._seen
        self._seen = {floor.scaling_id for floor in own}
        new = [f for f in own if before is not None and f.scaling_id not in before]
        for floor in new:
            self.scaler.forget(now_s)
            if not floor.target.startswith(SERVICE_PREFIX):
                have = sum(floor.target in host.instances for host in hosts)
                if have > floor.instances or floor.instances == 0:
                    self.ledger.cut(floor.target, floor.instances)
        self._order = new[-1] if new else None
        return new

    def assess(
        self, seen: Observation, members: tuple[Member, ...], around: Surroundings
    ) -> tuple[ServiceState, list[Step]]:
        """What should be so now, and the next steps of the models towards it."""
        hosts = hosts_of(members)
        self.ledger.update(seen.sight.announcements, seen.records)
        asked = asked_by_model(seen.sight.demands, self.service, seen.records)
        idle_s = self._config.model_idle_s or None
        needs = self.ledger.needs(asked, seen.floors, seen.records, hosts, seen.policies, idle_s)
        told = sum(m.told.in_flight for m in members if m.is_live and m.told is not None)
        situation = Situation(
            now_s=around.now_s,
            members=members,
            load=max(sum(a.load for a in asked.values()), float(told)),
            held=sum(a.held for a in asked.values()),
            floors=self._floors(seen, members, needs, hosts, around),
            room=around.room,
            replica_mb=around.replica_mb,
            starting=around.starting,
        )
        assessment = self.scaler.assess(situation)
        if assessment.decision.desired == 0:
            self.ledger.residents.forget_all()
        steps = self._placement(needs, hosts, around)
        state = ServiceState(
            service=self.service,
            assessment=assessment,
            members=members,
            starting=around.starting,
            hosts=tuple(hosts),
            asked=asked,
            trouble=around.trouble,
            no_room=tuple(step.model for step in steps if isinstance(step, NoRoom)),
        )
        return state, steps

    def note_of(self, assessment: Assessment) -> Note | None:
        """The entry for the journal, where another number is wanted than before."""
        decision, snapshot = assessment.decision, assessment.snapshot
        before = self._desired if self._desired is not None else snapshot.current
        self._desired = decision.desired
        if decision.desired == before:
            return None
        order = self._order
        cause, reason = (decision.cause, decision.reason) if order is None else _by_hand(order)
        return Note(
            EntryKind.SCALE_UP if decision.desired > before else EntryKind.SCALE_DOWN,
            self.service,
            self.service,
            before,
            decision.desired,
            cause,
            reason,
            "load" if order is None else "manual",
            decision.limited_by,
            order.scaling_id if order is not None else None,
            assessment.inputs(),
        )

    def _floors(
        self,
        seen: Observation,
        members: Sequence[Member],
        needs: Sequence[Need],
        hosts: Sequence[Host],
        around: Surroundings,
    ) -> Floors:
        floors = seen.floors
        own = floors.get(f"{SERVICE_PREFIX}{self.service}")
        models = [f for f in floors.values() if f.service == self.service and f is not own]
        pinned = any(need.name in seen.pinned for need in needs)
        base = sum(m.unit is not None and not m.managed for m in members)
        return Floors(
            own=own,
            at_start=max(around.at_start, base),
            models=max((f.instances for f in models), default=0) or int(pinned),
            packing=self.ledger.replicas_packed(needs, hosts) if around.rooms_add_up else 0,
        )

    def _placement(
        self, needs: Sequence[Need], hosts: Sequence[Host], around: Surroundings
    ) -> list[Step]:
        config = self._config
        residents = self.ledger.residents
        terms = Terms(
            config.target_in_flight,
            around.blocked,
            {need.name: residents.last_holders(need.name) for need in needs},
        )
        return plan_placement(needs, hosts, terms)


def _by_hand(order: Floor) -> tuple[str, str]:
    target = order.target.removeprefix(SERVICE_PREFIX)
    said = f"{order.instances} of {target} were asked for"
    return "manual", f"{said}: {order.reason}" if order.reason else said
