"""The models of one service: what is asked of them, where they are, what that calls for."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoscaler_svc.census import Member, MemberState
from autoscaler_svc.intents.base import Floor
from autoscaler_svc.placement import Host, Instance, Need, replicas_needed
from autoscaler_svc.residents import Residents
from fleetserve.announcements import Announcement, InstanceState
from fleetserve.demand import Demand
from fleetserve.model_policies import ModelPolicy
from fleetserve.model_records import ModelRecord, ModelState
from fleetserve.tasks import INFERENCE_SERVICE, service_for_task

# On every replica from its start; an instance of it is a replica.
BUILT_IN = {"example": INFERENCE_SERVICE}
# A model unused for so long does not keep a replica alive.
KEEPS_REPLICA_S = 600.0


@dataclass(slots=True)
class Asked:
    """What gateways tell of one model, all together."""

    load: float = 0.0
    held: int = 0


def service_of(name: str, records: Mapping[str, ModelRecord]) -> str | None:
    """The service that serves a model; None for one that nobody knows."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    record = records.get(name)
    return service_for_task(record.task) if record is not None else None


def asked_by_model(
    demands: Iterable[Demand], service: str, records: Mapping[str, ModelRecord]
) -> dict[str, Asked]:
    """What is asked of the models that this service can serve now.

    Requests that wait for a download are no load: a replica more makes it no faster.
    """
    found: dict[str, Asked] = {}
    for demand in demands:
        for name, told in demand.models.items():
            if told.service != service or not _can_be_served(name, records):
                continue
            asked = found.setdefault(name, Asked())
            asked.load += told.concurrency
            asked.held += told.held
    return found


def _can_be_served(name: str, records: Mapping[str, ModelRecord]) -> bool:
    record = records.get(name)
    return name in BUILT_IN or (record is not None and record.state is ModelState.READY)


class ModelLedger:
    """Remembers which models are resident, and which numbers were asked to be cut to.

    A cut is made once: afterwards load may raise the number again.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._cuts: dict[str, int] = {}
        self.residents = Residents()

    def update(
        self, announcements: Iterable[Announcement], records: Mapping[str, ModelRecord]
    ) -> None:
        """Takes in who has what."""
        own = [a for a in announcements if a.service == self._service]
        self.residents.update(own, [n for n in records if n not in BUILT_IN])
        for name, most in self._cuts.items():
            if most == 0:
                # Also where its replica ends before it has unloaded it.
                self.residents.forget(name)

    def cut(self, model: str, instances: int) -> None:
        """So many are to be left; with 0 it is not loaded again either."""
        self._cuts[model] = instances

    def needs(
        self,
        asked: Mapping[str, Asked],
        floors: Mapping[str, Floor],
        records: Mapping[str, ModelRecord],
        hosts: Sequence[Host],
        policies: Mapping[str, ModelPolicy],
        idle_s: float | None,
    ) -> list[Need]:
        """Each model of this service that can be served, built-in ones included.

        ``idle_s``: what holds for models without a word of their own.
        """
        self._end_cuts(hosts)
        found = [self._built_in(n, asked) for n, s in BUILT_IN.items() if s == self._service]
        residents = self.residents.names()
        for name, record in records.items():
            if service_for_task(record.task) != self._service or name in BUILT_IN:
                continue
            if record.state is not ModelState.READY:
                continue
            floor = floors[name].instances if name in floors else 0
            told, policy = asked.get(name, Asked()), policies.get(name, ModelPolicy(name))
            found.append(
                Need(
                    name,
                    record.revision,
                    record.size_bytes,
                    wanted=max(floor, int(name in residents or policy.pinned)),
                    most=self._cuts.get(name),
                    load=told.load,
                    held=told.held,
                    fixed=floor > 0 or policy.pinned,
                    leaves_after_s=policy.idle_limit_s(idle_s),
                )
            )
        return found

    def replicas_packed(self, needs: Iterable[Need], hosts: Sequence[Host]) -> int:
        """Replicas without which what is loaded and in use would not fit; 0: not known."""
        known = [h for h in hosts if h.room_bytes >= 0]
        if not known:
            return 0
        capacity = max(h.room_bytes + sum(i.bytes for i in h.instances.values()) for h in known)
        sizes = []
        for need in needs:
            held = [h.instances[need.name] for h in known if need.name in h.instances]
            in_use = need.fixed or need.held or any(i.idle_s < KEEPS_REPLICA_S for i in held)
            if need.name not in BUILT_IN and in_use:
                sizes.append(max((i.bytes for i in held), default=need.size_bytes))
        return replicas_needed([size for size in sizes if size <= capacity], capacity)

    def _built_in(self, name: str, asked: Mapping[str, Asked]) -> Need:
        told = asked.get(name, Asked())
        return Need(name, "", 0, load=told.load, held=0, fixed=True)

    def _end_cuts(self, hosts: Sequence[Host]) -> None:
        for name, most in list(self._cuts.items()):
            if sum(name in host.instances for host in hosts) <= most:
                del self._cuts[name]


def hosts_of(members: Collection[Member]) -> list[Host]:
    """The replicas that can be given models now."""
    return [
        Host(told.replica_id, told.room_bytes, _instances(told))
        for member in members
        if member.state is MemberState.READY and (told := member.told) is not None
    ]


def _instances(told: Announcement) -> dict[str, Instance]:
    return {
        m.name: Instance(
            m.revision,
            m.state is InstanceState.READY,
            m.bytes,
            m.last_used_s_ago,
            in_use=m.in_use > 0,
            used=m.uses > 0,
        )
        for m in told.models
        if m.state is not InstanceState.FAILED
    }
