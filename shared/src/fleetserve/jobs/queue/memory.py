"""A queue within this process: for tests, and where worker and caller are one."""

from collections.abc import Callable

from fleetserve.jobs.ledger.base import Bounds, Job, JobLedger


class MemoryQueue:
    """See JobQueue.

    Args:
        wake: Called after each new job, such as Runner.wake.
    """

    def __init__(self, ledger: JobLedger, wake: Callable[[], None] = lambda: None) -> None:
        self._ledger = ledger
        self._wake = wake

    def enqueue(self, job: Job, bounds: Bounds | None = None) -> Job:
        stored = self._ledger.insert(job, bounds)
        self._wake()
        return stored

    def status(self, job_id: str) -> Job:
        return self._ledger.read(job_id)

    def result(self, job_id: str) -> bytes | None:
        job = self._ledger.read(job_id)
        return job.result if job.state.finished else None

    def cancel(self, job_id: str) -> Job:
        return self._ledger.cancel(job_id)
