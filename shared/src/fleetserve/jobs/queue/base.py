"""The port through which work is handed to the worker."""

from typing import Protocol

from fleetserve.jobs.ledger.base import Bounds, Job


class JobQueue(Protocol):
    """Blocking for at most a second or two; safe from several threads.

    Raises (from every method): LedgerUnavailableError: Redis is away; try again later.
    """

    def enqueue(self, job: Job, bounds: Bounds | None = None) -> Job:
        """Records the job and wakes a worker.

        One of the same id, or an unfinished one of the same kind and subject, is returned
        instead, so that asking twice works once.

        Raises: TooManyJobsError: the bounds are reached; nothing was recorded.
        """
        ...

    def status(self, job_id: str) -> Job:
        """The job's record now. Raises: JobNotFoundError."""
        ...

    def result(self, job_id: str) -> bytes | None:
        """The result's JSON once it is finished, else None. Raises: JobNotFoundError."""
        ...

    def cancel(self, job_id: str) -> Job:
        """Cancels it unless it is finished. Idempotent. Raises: JobNotFoundError."""
        ...
