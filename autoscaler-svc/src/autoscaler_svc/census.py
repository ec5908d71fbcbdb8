"""Who is there: the engine's units and the fleet's announcements, put together."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from autoscaler_svc.orchestrator.base import Unit, UnitState
from fleetserve.announcements import Announcement, InstanceState, ReplicaState


class MemberState(StrEnum):
    """starting → ready → leaving; stopped → starting, or gone."""

    STARTING = "starting"  # it runs, or is started again, and does not say that it is ready
    READY = "ready"
    LEAVING = "leaving"  # it takes no new requests
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Member:
    """One replica.

    Attributes:
        unit: None for one that this fleet's engine does not know.
        told: What it announces; None where it is not heard.
        not_ready_s: For how long it has not been ready; 0 while it is.
        before: What it announced last, where it is not heard any more.
    """

    service: str
    state: MemberState
    unit: Unit | None
    told: Announcement | None
    not_ready_s: float = 0.0
    before: Announcement | None = None

    @property
    def id(self) -> str:
        """What it announces itself as, as far as is known."""
        if self.told is not None:
            return self.told.replica_id
        return self.unit.replica_id or self.unit.host if self.unit is not None else ""

    @property
    def is_live(self) -> bool:
        """It serves, or will in a moment."""
        return self.state in (MemberState.READY, MemberState.STARTING)

    @property
    def managed(self) -> bool:
        return self.unit is not None and self.unit.managed

    def holds(self, model: str) -> bool:
        """The model is loaded there and serves."""
        told = self.told.models if self.told is not None else ()
        return any(m.name == model and m.state is InstanceState.READY for m in told)


class Census:
    """Remembers since when each unit is not ready; times are the caller's monotonic clock."""

    def __init__(self, services: Collection[str]) -> None:
        self._services = tuple(services)
        self._not_ready_since: dict[str, float] = {}
        self._heard: dict[str, Announcement] = {}

    def take(
        self,
        units: Iterable[Unit],
        announcements: Iterable[Announcement],
        ending: Collection[str],
        now_s: float,
    ) -> dict[str, tuple[Member, ...]]:
        """The members of each service, in the order of the units.

        Args:
            units: Of all services.
            announcements: Likewise; those of other services are passed over.
            ending: Ids of units that are being ended.
            now_s: Now.
        """
        pairs, foreign = match(units, [a for a in announcements if a.service in self._services])
        members = [self._member(unit, told, ending, now_s) for unit, told in pairs]
        members += [Member(a.service, _told_state(a), None, a) for a in foreign]
        known = {unit.id for unit, _ in pairs}
        for gone in self._not_ready_since.keys() - known:
            del self._not_ready_since[gone]
        for gone in self._heard.keys() - known:
            del self._heard[gone]
        return {s: tuple(m for m in members if m.service == s) for s in self._services}

    def _member(
        self, unit: Unit, told: Announcement | None, ending: Collection[str], now_s: float
    ) -> Member:
        state = _state(unit, told, ending)
        before = self._heard.get(unit.id)
        if told is not None:
            self._heard[unit.id] = told
        if state is not MemberState.STARTING:
            self._not_ready_since.pop(unit.id, None)
            return Member(unit.service, state, unit, told)
        since_s = self._not_ready_since.setdefault(unit.id, now_s)
        return Member(unit.service, state, unit, told, now_s - since_s, before)


def _state(unit: Unit, told: Announcement | None, ending: Collection[str]) -> MemberState:
    if unit.id in ending:
        return MemberState.LEAVING
    if unit.state is UnitState.STOPPED:
        return MemberState.STOPPED
    return MemberState.STARTING if told is None else _told_state(told)


def _told_state(told: Announcement) -> MemberState:
    match_state = {
        ReplicaState.READY: MemberState.READY,
        ReplicaState.STARTING: MemberState.STARTING,
    }
    return match_state.get(told.state, MemberState.LEAVING)


def match(
    units: Iterable[Unit], announcements: Iterable[Announcement]
) -> tuple[list[tuple[Unit, Announcement | None]], list[Announcement]]:
    """Each unit with its announcement, and the announcements that no unit has made.

    A unit is known by the replica id that it was given, else by the host of its address. What
    can be told apart by neither is taken in turn: better than to think that a replica is stuck
    which serves.
    """
    left = _latest(announcements)
    found: dict[str, Announcement] = {}
    everyone = list(units)
    for sure in (_same_id, _same_host, _same_service):
        for unit in everyone:
            if unit.id in found or unit.state is UnitState.STOPPED:
                continue
            told = next((a for a in left if sure(unit, a)), None)
            if told is not None:
                found[unit.id] = told
                left.remove(told)
    return [(unit, found.get(unit.id)) for unit in everyone], left


def _latest(announcements: Iterable[Announcement]) -> list[Announcement]:
    """One for each address: who listened there before it is gone, though still announced.

    A container that was started again has its old address and, unless it was given one, a new id.
    """
    newest: dict[tuple[str, str], Announcement] = {}
    for told in announcements:
        before = newest.get((told.service, told.address))
        if before is None or before.started_at < told.started_at:
            newest[told.service, told.address] = told
    return list(newest.values())


def _same_id(unit: Unit, told: Announcement) -> bool:
    return unit.service == told.service and unit.replica_id == told.replica_id


def _same_host(unit: Unit, told: Announcement) -> bool:
    if not unit.host or unit.service != told.service:
        return False
    return urlsplit(told.address).hostname == unit.host


def _same_service(unit: Unit, told: Announcement) -> bool:
    return not unit.replica_id and unit.service == told.service
