"""Records of jobs in this process: for tests and for a fleet of one process."""

from dataclasses import dataclass
from threading import Lock

from msgspec.structs import replace

from fleetserve.clock import Clock
from model_registry_svc.ledger.base import (
    LEASE_S,
    Hold,
    Job,
    JobNotFoundError,
    JobState,
    Lease,
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

    def insert(self, job: Job) -> Job:
        with self._lock:
            for entry in self._entries.values():
                same = (entry.job.kind, entry.job.subject) == (job.kind, job.subject)
                if same and not entry.job.state.finished:
                    return entry.job
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
            held = {e.job.subject for e in self._entries.values() if self._is_held(e)}
            for entry in self._entries.values():
                if entry.job.state.finished or entry.job.subject in held:
                    continue
                entry.job = self._changed(
                    entry.job, state=JobState.RUNNING, owner=owner, fence=entry.job.fence + 1
                )
                entry.lease_until_s = self._clock.monotonic_s() + LEASE_S
                return entry.job, Lease(entry.job.id, owner, entry.job.fence)
            return None

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

    def _entry(self, job_id: str) -> _Entry:
        entry = self._entries.get(job_id)
        if entry is None:
            raise JobNotFoundError(job_id)
        return entry

    def _is_held(self, entry: _Entry) -> bool:
        return entry.lease_until_s > self._clock.monotonic_s()

    def _changed(self, job: Job, **changes: object) -> Job:
        return replace(job, updated_at=self._clock.now_s(), **changes)
