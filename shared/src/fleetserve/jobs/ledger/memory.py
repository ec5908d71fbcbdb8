"""Records of jobs in this process: for tests and for a fleet of one process."""

from collections import Counter
from dataclasses import dataclass
from threading import Lock

from msgspec.structs import replace

from fleetserve.clock import Clock
from fleetserve.jobs.ledger.base import (
    LEASE_S,
    PRIORITY_STEP_S,
    Bounds,
    Depth,
    Hold,
    Job,
    JobNotFoundError,
    JobState,
    Lease,
    TooManyJobsError,
)


@dataclass(slots=True)
class _Entry:
    job: Job
    lease_until_s: float = 0.0


class MemoryLedger:
    """See JobLedger; leases end by the given clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._entries: dict[str, _Entry] = {}

    def insert(self, job: Job, bounds: Bounds | None = None) -> Job:
        with self._lock:
            if job.id in self._entries:
                return self._entries[job.id].job
            unfinished = self._unfinished()
            for other in unfinished:
                if (other.kind, other.subject) == (job.kind, job.subject):
                    return other
            if bounds is not None:
                own = sum(other.principal == job.principal for other in unfinished)
                if len(unfinished) >= bounds.in_all or own >= bounds.of_one:
                    raise TooManyJobsError
            now_s = self._clock.now_s()
            stored = replace(job, state=JobState.QUEUED, created_at=now_s, updated_at=now_s)
            self._entries[job.id] = _Entry(stored)
            return stored

    def read(self, job_id: str) -> Job:
        with self._lock:
            return self._entry(job_id).job

    def cancel(self, job_id: str) -> Job:
        with self._lock:
            entry = self._entry(job_id)
            if not entry.job.state.finished:
                entry.job = self._changed(entry.job, state=JobState.CANCELLED)
            return entry.job

    def claim(self, owner: str, *, restarted: bool = False) -> tuple[Job, Lease] | None:
        with self._lock:
            for entry in self._entries.values():
                if restarted and entry.job.owner == owner:
                    entry.lease_until_s = 0.0
            found = self._first_free()
            if found is None:
                return None
            job = found.job
            found.job = self._changed(
                job,
                state=JobState.RUNNING,
                owner=owner,
                fence=job.fence + 1,
                started_at=job.started_at or self._clock.now_s(),
            )
            found.lease_until_s = self._clock.monotonic_s() + LEASE_S
            return found.job, Lease(job.id, owner, found.job.fence)

    def report(self, lease: Lease, progress: bytes) -> Hold:
        with self._lock:
            entry = self._entries.get(lease.job_id)
            if entry is None or entry.job.fence != lease.fence:
                return Hold.LOST
            if entry.job.state is JobState.CANCELLED:
                return Hold.CANCELLED
            if entry.job.state is not JobState.RUNNING:
                return Hold.LOST
            entry.job = self._changed(entry.job, progress=progress)
            entry.lease_until_s = self._clock.monotonic_s() + LEASE_S
            return Hold.HELD

    def settle(self, lease: Lease, state: JobState, result: bytes) -> bool:
        with self._lock:
            entry = self._entries.get(lease.job_id)
            if entry is None or entry.job.fence != lease.fence:
                return False
            entry.lease_until_s = 0.0
            if entry.job.state is not JobState.RUNNING:
                return False
            entry.job = self._changed(entry.job, state=state, result=result)
            return True

    def depth(self) -> Depth:
        with self._lock:
            running = sum(
                e.job.state is JobState.RUNNING and self._is_held(e) for e in self._entries.values()
            )
            return Depth(len(self._unfinished()) - running, running)

    def _unfinished(self) -> list[Job]:
        return [e.job for e in self._entries.values() if not e.job.state.finished]

    def _first_free(self) -> _Entry | None:
        held = [e.job for e in self._entries.values() if self._is_held(e)]
        subjects, busy = {job.subject for job in held}, Counter(job.principal for job in held)
        free = [
            e
            for e in self._entries.values()
            if not e.job.state.finished and not self._is_held(e) and e.job.subject not in subjects
        ]
        return min(free, key=lambda e: (busy[e.job.principal], _rank(e.job)), default=None)

    def _entry(self, job_id: str) -> _Entry:
        entry = self._entries.get(job_id)
        if entry is None:
            raise JobNotFoundError(job_id)
        return entry

    def _is_held(self, entry: _Entry) -> bool:
        return entry.lease_until_s > self._clock.monotonic_s()

    def _changed(self, job: Job, **changes: object) -> Job:
        return replace(job, updated_at=self._clock.now_s(), **changes)


def _rank(job: Job) -> float:
    return job.created_at - job.priority * PRIORITY_STEP_S
