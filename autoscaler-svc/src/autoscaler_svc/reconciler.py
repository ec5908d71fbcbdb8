"""Makes the engine's replicas match what is wanted."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import structlog

from autoscaler_svc.absences import Absences
from autoscaler_svc.census import Member
from autoscaler_svc.chronicle import Chronicle, Note
from autoscaler_svc.journal.base import EntryKind
from autoscaler_svc.orchestrator.base import Orchestrator, ReplicaSpec, Unit
from autoscaler_svc.plan import Action, End, Patience, Remove, Renew, Replace, Start, plan
from autoscaler_svc.replica_calls.base import ReplicaCalls
from fleetserve.clock import Clock
from fleetserve.errors import FleetError

log = structlog.get_logger(__name__)

# A start that failed is tried again after this, doubled each time up to the longest.
RETRY_S = 5.0
LONGEST_RETRY_S = 60.0
# What does not become ready gets a moment to end by itself.
STUCK_GRACE_S = 2.0


@dataclass(slots=True)
class _Trouble:
    """Starts of a service that failed."""

    reason: str
    retry_s: float
    until_s: float


class Reconciler:
    """Acts in tasks of its own, so that a drain of a minute holds up nothing.

    Args:
        on_change: Called when the engine's units are not what they were.
    """

    def __init__(
        self,
        orchestrator: Orchestrator,
        calls: ReplicaCalls,
        chronicle: Chronicle,
        clock: Clock,
        *,
        on_change: Callable[[], None],
    ) -> None:
        self._orchestrator = orchestrator
        self._calls = calls
        self._chronicle = chronicle
        self._clock = clock
        self._on_change = on_change
        self._absences = Absences(clock.monotonic_s())
        self._ends: dict[str, asyncio.Task[None]] = {}
        self._starts: set[asyncio.Task[None]] = set()
        self._starting: dict[str, int] = {}
        # Done, but perhaps not yet seen in a list: by the unit's id, when.
        self._ended: dict[str, float] = {}
        self._started: dict[str, tuple[str, float]] = {}
        self._troubles: dict[str, _Trouble] = {}

    @property
    def ending(self) -> Collection[str]:
        """Units that are being ended, or were after the engine was last asked."""
        return self._ends.keys() | self._ended.keys()

    @property
    def troubles(self) -> dict[str, str]:
        """Why replicas of a service can't be started, by service."""
        return {service: trouble.reason for service, trouble in self._troubles.items()}

    def starting(self, service: str) -> int:
        """Replicas that were asked for and do not stand in the engine's list yet."""
        fresh = sum(of == service for of, _ in self._started.values())
        return self._starting.get(service, 0) + fresh

    def listed(self, since_s: float) -> None:
        """The engine's list is known; it was asked for at that time."""
        self._ended = {u: at for u, at in self._ended.items() if at >= since_s}
        self._started = {u: s for u, s in self._started.items() if s[1] >= since_s}

    async def reconcile(
        self,
        spec: ReplicaSpec,
        desired: int,
        members: Sequence[Member],
        start_timeout_s: float,
        *,
        is_news: bool = False,
    ) -> None:
        """Begins whatever has to be done now; returns before it is done.

        Args:
            spec: Of one more replica of the service.
            desired: How many there shall be.
            members: Who is there.
            start_timeout_s: Who is not ready for longer is replaced.
            is_news: That number was decided just now; else what is done is a repair.
        """
        service = spec.service
        now_s = self._clock.monotonic_s()
        excused = self._absences.excused(service, members, now_s)
        patience = Patience(start_timeout_s, self.starting(service), excused)
        actions = plan(desired, members, patience)
        if not is_news and any(isinstance(action, Start | End) for action in actions):
            self._note_repair(service, desired, members)
        for action in actions:
            await self._act(spec, action, members)

    async def end_managed(self) -> None:
        """Drains and stops all that an autoscaler made, at once; returns when it is gone."""
        await asyncio.gather(*self._starts, return_exceptions=True)
        try:
            units = [unit for unit in await self._orchestrator.list() if unit.managed]
        except FleetError as exc:
            log.warning("replicas.left_behind", reason=exc.detail)
            return
        log.info("replicas.leaving", replicas=[unit.replica_id for unit in units])
        for unit in units:
            self._end(unit, None)
        await asyncio.gather(*self._ends.values(), return_exceptions=True)

    async def close(self) -> None:
        """Forgets what it was doing; the engine goes on with it."""
        tasks = [*self._starts, *self._ends.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _act(self, spec: ReplicaSpec, action: Action, members: Sequence[Member]) -> None:
        service = spec.service
        match action:
            case Start():
                self._start(spec)
            case End(unit):
                log.info("replica.ended", kind=service, subject=unit.replica_id, unit=unit.id)
                self._end(unit, None)
            case Remove(unit):
                log.info("replica.removed", kind=service, subject=unit.replica_id)
                self._end(unit, STUCK_GRACE_S)
            case Replace(member):
                await self._replace(member, members)
            case Renew(unit):
                live, name = len(members), unit.replica_id
                reason = f"{name} was made after a template that has changed"
                self._chronicle.tell(
                    Note(EntryKind.REPLACE, service, service, live, live, "outdated", reason)
                )
                self._end(unit, None)

    def _note_repair(self, service: str, desired: int, members: Sequence[Member]) -> None:
        trouble = self._troubles.get(service)
        if trouble is not None:
            return  # It was told when it began.
        live = sum(m.is_live for m in members)
        cause = "missing" if live < desired else "surplus"
        reason = f"{live} are there, {desired} are wanted"
        kind = EntryKind.SCALE_UP if live < desired else EntryKind.SCALE_DOWN
        self._chronicle.tell(Note(kind, service, service, live, desired, cause, reason))

    def _start(self, spec: ReplicaSpec) -> None:
        service = spec.service
        trouble = self._troubles.get(service)
        if trouble is not None and self._clock.monotonic_s() < trouble.until_s:
            return
        self._starting[service] = self._starting.get(service, 0) + 1
        task = asyncio.create_task(self._start_one(spec), name=f"start-{service}")
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)

    async def _start_one(self, spec: ReplicaSpec) -> None:
        service = spec.service
        try:
            unit = await self._orchestrator.start(spec)
        except FleetError as exc:
            self._failed(service, exc.detail)
        else:
            self._troubles.pop(service, None)
            self._started[unit.id] = (service, self._clock.monotonic_s())
            log.info("replica.started", kind=service, subject=unit.replica_id, unit=unit.id)
        finally:
            self._starting[service] -= 1
            self._on_change()

    def _failed(self, service: str, reason: str) -> None:
        before = self._troubles.get(service)
        retry_s = min(before.retry_s * 2, LONGEST_RETRY_S) if before is not None else RETRY_S
        until_s = self._clock.monotonic_s() + retry_s
        self._troubles[service] = _Trouble(reason, retry_s, until_s)
        if before is None or before.reason != reason:
            note = Note(EntryKind.FAILED, service, service, 0, 0, "start_failed", reason)
            self._chronicle.tell(note)

    async def _replace(self, member: Member, members: Sequence[Member]) -> None:
        unit = member.unit
        assert unit is not None, "only units are replaced"
        silent = member.before if member.told is None else None
        if silent is not None and await self._calls.is_alive(silent):
            return  # It is well, and only not heard.
        service, live = member.service, sum(m.is_live for m in members)
        reason = f"{member.id} has not been ready for {member.not_ready_s:.0f} s"
        self._chronicle.tell(
            Note(EntryKind.REPLACE, service, service, live, live, "not_ready", reason)
        )
        self._end(unit, STUCK_GRACE_S)

    def _end(self, unit: Unit, grace_s: float | None) -> None:
        if unit.id in self._ends:
            return
        self._absences.dismiss(unit.service, unit.id)
        task = asyncio.create_task(self._end_one(unit, grace_s), name=f"end-{unit.id[:12]}")
        self._ends[unit.id] = task

    async def _end_one(self, unit: Unit, grace_s: float | None) -> None:
        try:
            await self._orchestrator.stop(unit.id, grace_s=grace_s)
        except FleetError as exc:
            log.warning("replica.not_ended", subject=unit.replica_id, reason=exc.detail)
        finally:
            del self._ends[unit.id]
            self._ended[unit.id] = self._clock.monotonic_s()
            self._on_change()
