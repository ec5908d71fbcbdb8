"""Has replicas load and unload models, as the placement says."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from autoscaler_svc.chronicle import Chronicle, Note
from autoscaler_svc.journal.base import EntryKind
from autoscaler_svc.placement import Load, NoRoom, Step, Unload
from autoscaler_svc.replica_calls.base import ReplicaCalls
from fleetserve.announcements import Announcement
from fleetserve.clock import Clock
from fleetserve.errors import ConflictError, FleetError

log = structlog.get_logger(__name__)

# What a replica refused is asked of it again after this, doubled each time up to the longest.
RETRY_S = 10.0
LONGEST_RETRY_S = 300.0
# A step that was made shows in the announcements a little later.
SETTLE_S = 3.0

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a model could not be loaded somewhere."""

    error: FleetError
    at_s: float
    retry_s: float

    def holds(self, now_s: float) -> bool:
        return now_s < self.at_s + self.retry_s


class Placer:
    """Each step runs in a task of its own; loading may take minutes."""

    def __init__(self, calls: ReplicaCalls, chronicle: Chronicle, clock: Clock) -> None:
        self._calls = calls
        self._chronicle = chronicle
        self._clock = clock
        self._tasks: dict[Pair, asyncio.Task[None]] = {}
        self._settling: dict[Pair, float] = {}
        self._refusals: dict[Pair, Refusal] = {}

    def blocked(self) -> set[Pair]:
        """Pairs of model and replica that nothing should be asked of now."""
        now_s = self._clock.monotonic_s()
        self._settling = {p: until for p, until in self._settling.items() if until > now_s}
        refused = {pair for pair, refusal in self._refusals.items() if refusal.holds(now_s)}
        return refused | self._tasks.keys() | self._settling.keys()

    def refusal(self, model: str, since_s: float) -> FleetError | None:
        """The newest error of that model since then (monotonic)."""
        found = [
            refusal
            for (name, _), refusal in self._refusals.items()
            if name == model and refusal.at_s >= since_s
        ]
        return max(found, key=lambda r: r.at_s).error if found else None

    def forgive(self, model: str) -> None:
        """Somebody asks for it anew: it is tried at once."""
        self._refusals = {p: r for p, r in self._refusals.items() if p[0] != model}

    def carry_out(
        self, service: str, steps: Sequence[Step], replicas: Mapping[str, Announcement]
    ) -> None:
        """Begins these steps; returns at once."""
        for step in steps:
            if isinstance(step, NoRoom):
                continue
            pair = (step.model, step.host)
            if pair not in self._tasks:
                work = self._carry_out(service, step, replicas[step.host])
                task = asyncio.create_task(work, name=f"place-{step.model}")
                self._tasks[pair] = task

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry_out(self, service: str, step: Load | Unload, replica: Announcement) -> None:
        pair = (step.model, step.host)
        try:
            if isinstance(step, Load):
                self._tell(service, step, EntryKind.LOAD_MODEL, 0, 1)
                await self._calls.load(replica, step.model, step.revision)
            else:
                await self._calls.unload(replica, step.model, step.revision, idle_s=step.idle_s)
                self._tell(service, step, EntryKind.UNLOAD_MODEL, 1, 0)
            self._refusals.pop(pair, None)
            self._settling[pair] = self._clock.monotonic_s() + SETTLE_S
        except FleetError as exc:
            if isinstance(exc, ConflictError) and isinstance(step, Unload):
                # The replica knows better than its last announcement; the next one is looked at.
                log.info("placement.spared", model=pair[0], on=pair[1], reason=exc.detail)
                self._settling[pair] = self._clock.monotonic_s() + SETTLE_S
            else:
                self._refused(service, pair, exc)
        finally:
            del self._tasks[pair]

    def _tell(
        self, service: str, step: Load | Unload, kind: EntryKind, before: int, after: int
    ) -> None:
        reason = f"on {step.host}: {step.reason}"
        note = Note(kind, service, step.model, before, after, "placement", reason)
        self._chronicle.tell(note)

    def _refused(self, service: str, pair: Pair, error: FleetError) -> None:
        before = self._refusals.get(pair)
        retry_s = min(before.retry_s * 2, LONGEST_RETRY_S) if before is not None else RETRY_S
        self._refusals[pair] = Refusal(error, self._clock.monotonic_s(), retry_s)
        log.warning("placement.refused", model=pair[0], on=pair[1], reason=error.detail)
        self._chronicle.tell(
            Note(EntryKind.FAILED, service, pair[0], 0, 0, "placement_refused", error.detail)
        )
