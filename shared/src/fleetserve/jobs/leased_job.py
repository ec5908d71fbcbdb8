"""A job in the hands of this process: whether it still is, and what it reports."""

from collections.abc import Callable
from enum import StrEnum
from threading import Event

from fleetserve.clock import Clock
from fleetserve.jobs.ledger.base import LEASE_S, Job, Lease

# How long before the lease's end the owner stops writing, for the time a write takes.
MARGIN_S = 1.0
WAIT_FOR_LEASE_S = 0.1


class StopReason(StrEnum):
    RELEASED = "released"
    CANCELLED = "cancelled"
    LOST = "lost"


class JobStoppedError(Exception):
    """This process must not go on with the job; not a failure of it."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class LeasedJob:
    """Passed to the handler, which works in one or more threads and asks ``check`` often.

    Attributes:
        reporter: Set by the handler; makes the progress that is reported with each renewal.
    """

    def __init__(self, job: Job, lease: Lease, clock: Clock) -> None:
        self.job = job
        self.lease = lease
        self.reporter: Callable[[], bytes] = lambda: job.progress
        self._clock = clock
        self._renewed_s = clock.monotonic_s()
        self._stopped = Event()
        self._reason = StopReason.RELEASED

    def check(self) -> None:
        """Returns while the lease holds; waits while it can't be renewed (Redis is away).

        Raises: JobStoppedError: this process must stop.
        """
        while True:
            if self._stopped.is_set():
                raise JobStoppedError(self._reason)
            if self.holds():
                return
            self._stopped.wait(WAIT_FOR_LEASE_S)

    def pause(self, seconds: float) -> None:
        """Waits, but not beyond the end of the job.

        Raises: JobStoppedError: this process must stop.
        """
        self._stopped.wait(seconds)
        self.check()

    def holds(self) -> bool:
        """Whether nobody else can have the lease, by this process's own clock."""
        return self._clock.monotonic_s() - self._renewed_s < LEASE_S - MARGIN_S

    def renewed(self, asked_s: float) -> None:
        """The lease was renewed by a request sent at ``asked_s`` (monotonic)."""
        self._renewed_s = asked_s

    def stop(self, reason: StopReason) -> None:
        """Makes every ``check`` raise from now on."""
        if not self._stopped.is_set():
            self._reason = reason
            self._stopped.set()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()
