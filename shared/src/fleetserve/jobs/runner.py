"""Works on the ledger's jobs: claims, renews, settles. Whoever wakes it, the ledger decides."""

from collections.abc import Callable, Mapping
from threading import Event, Lock, Thread
from typing import Protocol

import structlog
from msgspec.structs import replace

from fleetserve.clock import Clock
from fleetserve.jobs.leased_job import JobStoppedError, LeasedJob, StopReason
from fleetserve.jobs.ledger.base import (
    Hold,
    Job,
    JobLedger,
    JobState,
    LedgerUnavailableError,
)

log = structlog.get_logger(__name__)

# A local hub sends 60 MB in half a second, and its progress should still be seen.
REPORT_S = 0.025
RENEW_S = 1.0
# What Celery's messages have not told, such as a job that another owner let go, is found so late.
LOOK_S = 1.0
SETTLE_RETRY_S = 0.5


class JobFailedError(Exception):
    """The job ended without success; ``result`` is its JSON and says why."""

    def __init__(self, result: bytes) -> None:
        super().__init__("failed")
        self.result = result


class Handler(Protocol):
    """Does the jobs of one kind, each in a thread of its own; must be idempotent."""

    def run(self, job: LeasedJob) -> bytes:
        """The result as JSON.

        Raises: JobFailedError: with a result that says why. JobStoppedError: passed on from
            ``job.check``; somebody else does the job, or nobody any more.
        """
        ...


class Runner:
    """At most ``width`` jobs at a time; orphans of other owners are found within LOOK_S.

    Args:
        owner: Names this process in the records. A process that is started again under the
            same name takes up at once what the one before it held.
        look_every_s: How soon a job is found that nobody woke this process for.
        on_settled: Called with each job that ended here, in a thread of its own; what it raises
            is logged.
    """

    def __init__(
        self,
        ledger: JobLedger,
        handlers: Mapping[str, Handler],
        *,
        owner: str,
        clock: Clock,
        width: int,
        look_every_s: float = LOOK_S,
        on_settled: Callable[[Job], None] = lambda _: None,
    ) -> None:
        self._ledger = ledger
        self._handlers = handlers
        self._owner = owner
        self._clock = clock
        self._width = width
        self._look_every_s = look_every_s
        self._on_settled = on_settled
        self._wake = Event()
        self._stopping = Event()
        self._lock = Lock()
        self._active: dict[str, LeasedJob] = {}
        self._sent: dict[str, tuple[bytes, float]] = {}
        self._ledger_away = False
        self._is_new = True

    def wake(self) -> None:
        """There may be a job: looks at once. From any thread."""
        self._wake.set()

    @property
    def active(self) -> int:
        return len(self._active)

    def run(self) -> None:
        """Works until ``stop``; blocking."""
        next_claim_s = 0.0
        while not self._stopping.is_set():
            now_s = self._clock.monotonic_s()
            if self._wake.is_set() or now_s >= next_claim_s:
                self._wake.clear()
                self.claim_all()
                next_claim_s = now_s + self._look_every_s
            self.report_all()
            self._wake.wait(REPORT_S if self._active else self._look_every_s)

    def stop(self) -> None:
        """Lets go of every job, so that another owner can take them at once."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._wake.set()
        for job in list(self._active.values()):
            job.stop(StopReason.RELEASED)
            self._settle_once(job, JobState.QUEUED, b"")
        log.info("runner.stopped")

    def claim_all(self) -> None:
        """Takes jobs up to the width."""
        while len(self._active) < self._width and not self._stopping.is_set():
            asked_s = self._clock.monotonic_s()
            try:
                claimed = self._ledger.claim(self._owner, restarted=self._is_new)
            except LedgerUnavailableError as exc:
                self._note_ledger(exc)
                return
            self._note_ledger(None)
            self._is_new = False
            if claimed is None:
                return
            leased = LeasedJob(*claimed, self._clock)
            leased.renewed(asked_s)
            self._start(leased)

    def report_all(self) -> None:
        """Renews each lease, with its progress if that is new or the lease wants it."""
        for leased in list(self._active.values()):
            progress = leased.reporter()
            sent, sent_s = self._sent.get(leased.job.id, (b"", 0.0))
            asked_s = self._clock.monotonic_s()
            if leased.stopped or (progress == sent and asked_s - sent_s < RENEW_S):
                continue
            try:
                hold = self._ledger.report(leased.lease, progress)
            except LedgerUnavailableError as exc:
                self._note_ledger(exc)
                return
            self._note_ledger(None)
            self._sent[leased.job.id] = (progress, asked_s)
            if hold is Hold.HELD:
                leased.renewed(asked_s)
            else:
                reason = StopReason.CANCELLED if hold is Hold.CANCELLED else StopReason.LOST
                leased.stop(reason)

    def _start(self, leased: LeasedJob) -> None:
        job = leased.job
        with self._lock:
            self._active[job.id] = leased
        log.info("job.claimed", job=job.id, kind=job.kind, subject=job.subject, fence=job.fence)
        Thread(target=self._work, args=(leased,), name=f"job-{job.id}", daemon=True).start()

    def _work(self, leased: LeasedJob) -> None:
        try:
            handler = self._handlers[leased.job.kind]
            state, result = JobState.SUCCEEDED, handler.run(leased)
        except JobFailedError as exc:
            state, result = JobState.FAILED, exc.result
        except JobStoppedError as exc:
            self._end_stopped(leased, exc.reason)
            return
        except Exception:
            log.exception("job.crashed", job=leased.job.id)
            state, result = JobState.FAILED, b""
        self._settle(leased, state, result)

    def _end_stopped(self, leased: LeasedJob, reason: StopReason) -> None:
        log.info("job.stopped", job=leased.job.id, reason=reason.value)
        if reason is StopReason.CANCELLED:
            # The record is final already; this only ends the lease.
            self._settle_once(leased, JobState.CANCELLED, b"")
        self._forget(leased)

    def _settle(self, leased: LeasedJob, state: JobState, result: bytes) -> None:
        """Commits the result, waiting for the ledger if it is away."""
        while not leased.stopped:
            committed = self._settle_once(leased, state, result)
            if committed is not None:
                log.info("job.settled", job=leased.job.id, state=state.value, committed=committed)
                if committed:
                    self._tell_settled(replace(leased.job, state=state, result=result))
                break
            self._stopping.wait(SETTLE_RETRY_S)
        self._forget(leased)

    def _tell_settled(self, job: Job) -> None:
        try:
            self._on_settled(job)
        except Exception:
            log.exception("job.aftermath_failed", job=job.id)

    def _settle_once(self, leased: LeasedJob, state: JobState, result: bytes) -> bool | None:
        try:
            return self._ledger.settle(leased.lease, state, result)
        except LedgerUnavailableError as exc:
            self._note_ledger(exc)
            return None

    def _forget(self, leased: LeasedJob) -> None:
        with self._lock:
            self._active.pop(leased.job.id, None)
            self._sent.pop(leased.job.id, None)
        self.wake()

    def _note_ledger(self, exc: LedgerUnavailableError | None) -> None:
        """Logs the ledger's going and coming once each."""
        away = exc is not None
        if away != self._ledger_away:
            self._ledger_away = away
            log.warning("ledger.away", error=str(exc)) if away else log.info("ledger.back")
