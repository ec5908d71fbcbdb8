"""What callers ask of their jobs: lists, looks, results, cancelling. Others' jobs don't exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fleetserve.auth.principals import Principal
from fleetserve.auth.scopes import Scope
from fleetserve.clock import Clock
from fleetserve.errors import ConflictError, NotFoundError
from fleetserve.jobs.ledger.base import Job, JobLedger, JobNotFoundError, JobState
from fleetserve.jobs.queue.base import JobQueue
from gateway.jobs.index.base import JobIndex, Listed
from gateway.jobs.job_files import JobFiles
from gateway.jobs.webhook.courier import call_courier
from gateway.jobs.work import Outcome, read_outcome, read_work

# One call looks at no more records than this, however few of them are of the wanted state.
LOOKS = 500
FORGET_AFTER_S = 3600.0
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose jobs may be seen; ``name`` None: everybody's."""

    name: str | None

    @classmethod
    def of(cls, principal: Principal | None) -> "Viewer":
        """None: auth is off, and everybody sees all."""
        if principal is None or Scope.ADMIN in principal.scopes:
            return cls(None)
        return cls(principal.name)


@dataclass(frozen=True, slots=True)
class JobPage:
    """``next_before`` goes on with what is older; None: there is no more."""

    jobs: Sequence[Job]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class JobResult:
    path: Path
    outcome: Outcome


class JobDesk:
    """Blocking; safe from several threads.

    Raises (from every method): LedgerUnavailableError: Redis is away.
    """

    def __init__(
        self,
        ledger: JobLedger,
        index: JobIndex,
        files: JobFiles,
        webhooks: JobQueue,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._index = index
        self._files = files
        self._webhooks = webhooks
        self._clock = clock

    def page(
        self,
        viewer: Viewer,
        limit: int,
        *,
        state: JobState | None = None,
        before: int | None = None,
    ) -> JobPage:
        """The newest jobs, at most ``limit`` of them."""
        found: list[Job] = []
        looked = 0
        while len(found) < limit and looked < LOOKS:
            listed = self._index.page(viewer.name, min(_PAGE, limit), before)
            for entry in listed:
                before = entry.place
                job = self._listed(viewer, entry)
                if job is not None and state in (None, job.state):
                    found.append(job)
                    if len(found) == limit:
                        return JobPage(found, before)
            looked += len(listed)
            if len(listed) < min(_PAGE, limit):
                return JobPage(found, None)
        return JobPage(found, before)

    def read(self, viewer: Viewer, job_id: str) -> Job:
        """Raises: JobNotFoundError: there is none, or it is somebody else's."""
        job = self._ledger.read(job_id)
        if viewer.name not in (None, job.principal):
            raise JobNotFoundError(job_id)
        return job

    def cancel(self, viewer: Viewer, job_id: str) -> Job:
        """Cancels it unless it is finished; idempotent. Raises: JobNotFoundError."""
        self.read(viewer, job_id)
        job = self._ledger.cancel(job_id)
        if job.state is JobState.CANCELLED:
            call_courier(self._webhooks, job)
        return job

    def result(self, viewer: Viewer, job_id: str) -> JobResult:
        """The file with its answer.

        Raises: JobNotFoundError; ConflictError: it has none, since it is not finished or failed;
            NotFoundError: it is gone.
        """
        job = self.read(viewer, job_id)
        outcome = read_outcome(job)
        if job.state is not JobState.SUCCEEDED or outcome is None:
            raise ConflictError(
                f"{job_id} is {job.state.value}; GET /jobs/{job_id} says more.",
                code="job_not_succeeded",
            )
        path = self._files.result(read_work(job).folder, outcome.file)
        if not path.exists():
            raise NotFoundError(
                f"The result of {job_id} is gone: older ones are removed to make room.",
                code="result_gone",
            )
        return JobResult(path, outcome)

    def _listed(self, viewer: Viewer, entry: Listed) -> Job | None:
        try:
            return self._ledger.read(entry.job_id)
        except JobNotFoundError:
            # A job is listed a moment before it has a record.
            if entry.place < (self._clock.now_s() - FORGET_AFTER_S) * 1e6:
                self._index.forget(viewer.name or "", entry.job_id)
            return None
