"""The port to the records of jobs: who works on what, how far, with which result.

The record is the truth. A lease that is not renewed for LEASE_S is up for another owner, every
taking over raises the fencing number, and a result commits only with the current number.
"""

from enum import StrEnum
from typing import Protocol

import msgspec

from fleetserve.errors import NotFoundError, UnavailableError

LEASE_S = 10.0
KEEP_FINISHED_S = 7 * 24 * 3600
# A step of priority goes before what came so much earlier, so that nothing waits for ever.
PRIORITY_STEP_S = 60.0


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


class Job(msgspec.Struct, frozen=True):
    """One job's record.

    Attributes:
        subject: What it works on; at most one owner works on a subject at a time.
        request, progress, result: JSON of the job's kind; empty when there is none yet.
        principal: Who asked for it. Whose jobs have the fewest owners at work comes first.
        priority: Higher goes first, by PRIORITY_STEP_S for each step.
        fence: How often it was claimed.
        created_at, started_at, updated_at: Seconds since the epoch; started_at is when it was
            claimed first, 0: not yet.
    """

    id: str
    kind: str
    subject: str
    request: bytes
    principal: str = ""
    priority: int = 0
    state: JobState = JobState.QUEUED
    progress: bytes = b""
    result: bytes = b""
    owner: str = ""
    fence: int = 0
    created_at: float = 0.0
    started_at: float = 0.0
    updated_at: float = 0.0


class Bounds(msgspec.Struct, frozen=True):
    """How many unfinished jobs there may be, in all and of one principal."""

    in_all: int
    of_one: int


class Depth(msgspec.Struct, frozen=True):
    """Unfinished jobs: those that wait, and those that an owner is at work on."""

    queued: int
    running: int


class Lease(msgspec.Struct, frozen=True):
    """The right to work on a job until another fence is given out."""

    job_id: str
    owner: str
    fence: int


class Hold(StrEnum):
    """What a report finds."""

    HELD = "held"
    CANCELLED = "cancelled"
    LOST = "lost"


class JobLedger(Protocol):
    """Blocking, safe from several threads and processes; every step is atomic.

    Raises (from every method): LedgerUnavailableError: nothing was changed, as far as known.
    """

    def insert(self, job: Job, bounds: Bounds | None = None) -> Job:
        """Records a queued job.

        One of the same id, finished or not, wins instead, and so does an unfinished one of the
        same kind and subject.

        Raises: TooManyJobsError: there are as many unfinished ones as ``bounds`` allows.
        """
        ...

    def read(self, job_id: str) -> Job:
        """Raises: JobNotFoundError."""
        ...

    def cancel(self, job_id: str) -> Job:
        """Cancels unless it is finished; its owner learns so by its next report."""
        ...

    def claim(self, owner: str, *, restarted: bool = False) -> tuple[Job, Lease] | None:
        """The first unfinished job that nobody holds and whose subject nobody holds.

        First are those of the principal with the fewest held jobs, then by priority and age.

        restarted: this owner has just begun, so what is held under its name is from before.
        """
        ...

    def report(self, lease: Lease, progress: bytes) -> Hold:
        """Renews the lease and records progress; with another fence nothing is changed."""
        ...

    def settle(self, lease: Lease, state: JobState, result: bytes) -> bool:
        """Commits by compare-and-set on the fence and ends the lease.

        With state QUEUED the job is let go of and at once up for another owner. False: the
        lease was lost, or the job was cancelled; nothing but the lease's end was recorded.
        """
        ...

    def depth(self) -> Depth: ...


class JobNotFoundError(NotFoundError):
    default_code, title = "job_not_found", "No such job"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id[:64]!r}; finished ones are kept for a time.")


class LedgerUnavailableError(UnavailableError):
    default_code = "jobs_unavailable"


class TooManyJobsError(UnavailableError):
    default_code, title = "jobs_full", "Too many jobs"

    def __init__(self) -> None:
        super().__init__(
            "As many jobs as may wait are waiting. Try again when some are finished.",
            retry_after_s=30.0,
        )
