"""Writes decisions down: in the journal, in the log, in the counters."""

from collections import Counter, deque
from dataclasses import dataclass
from secrets import token_hex

import structlog

from autoscaler_svc.journal.base import Entry, EntryKind, Journal
from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError
from fleetserve.metrics.requests import RequestMetrics

log = structlog.get_logger(__name__)

# Decisions made while Redis is away are written once it is back.
UNWRITTEN = 200


@dataclass(frozen=True, slots=True)
class Note:
    """What an entry is made of; see ``Entry``."""

    kind: EntryKind
    service: str
    subject: str
    previous: int
    target: int
    cause: str
    reason: str
    origin: str = "repair"
    limited_by: str | None = None
    scaling_id: str | None = None
    inputs: tuple[tuple[str, float | str | None], ...] = ()


class Chronicle:
    """For the event loop. Nothing that it is told is lost to a Redis that is away for a while."""

    def __init__(self, journal: Journal, metrics: RequestMetrics, clock: Clock) -> None:
        self._journal = journal
        self._metrics = metrics
        self._clock = clock
        self._unwritten: deque[Entry] = deque(maxlen=UNWRITTEN)
        self.last: Entry | None = None
        self.counted: Counter[EntryKind] = Counter()

    def tell(self, note: Note) -> Entry:
        """Takes it down; it reaches the journal with the next ``flush``."""
        entry = Entry(
            id=token_hex(8),
            at_s=round(self._clock.now_s(), 3),
            kind=note.kind,
            service=note.service,
            subject=note.subject,
            previous=note.previous,
            target=note.target,
            cause=note.cause,
            reason=note.reason,
            origin=note.origin,
            limited_by=note.limited_by,
            scaling_id=note.scaling_id,
            inputs=dict(note.inputs),
        )
        self._unwritten.append(entry)
        self._metrics.count(f"decisions_{note.kind}")
        self.counted[note.kind] += 1
        self.last = entry
        log.info(
            "scaling.decided",
            kind=note.kind,
            scaled=note.subject,
            previous=note.previous,
            target=note.target,
            cause=note.cause,
            reason=note.reason,
            origin=note.origin,
            limited_by=note.limited_by,
            scaling_id=note.scaling_id,
            inputs=entry.inputs,
        )
        return entry

    async def flush(self) -> None:
        """Writes what is not written yet; what can't be now waits."""
        while self._unwritten:
            try:
                await self._journal.write(self._unwritten[0])
            except UnavailableError as exc:
                log.warning("journal.away", waiting=len(self._unwritten), reason=exc.detail)
                return
            self._unwritten.popleft()

    async def read(self, limit: int) -> list[Entry]:
        """The newest first. Raises: UnavailableError."""
        await self.flush()
        return await self._journal.read(limit)
