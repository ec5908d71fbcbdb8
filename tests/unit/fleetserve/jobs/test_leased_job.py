import threading

import pytest

from fleetserve.clock import ManualClock
from fleetserve.jobs.leased_job import MARGIN_S, JobStoppedError, LeasedJob, StopReason
from fleetserve.jobs.ledger.base import LEASE_S, Job, Lease


@pytest.fixture
def leased(clock: ManualClock) -> LeasedJob:
    return LeasedJob(Job("a", "download", "m", b"{}", progress=b"p"), Lease("a", "w", 1), clock)


def test_check_returns_while_the_lease_holds(leased: LeasedJob) -> None:
    leased.check()
    leased.pause(0.0)


@pytest.mark.parametrize("reason", list(StopReason))
def test_stopped_job_raises_with_its_first_reason(leased: LeasedJob, reason: StopReason) -> None:
    leased.stop(reason)
    leased.stop(StopReason.LOST)
    with pytest.raises(JobStoppedError) as caught:
        leased.check()
    assert caught.value.reason is reason
    assert leased.stopped


def test_lease_holds_no_longer_than_the_ledger_gives_it(
    leased: LeasedJob, clock: ManualClock
) -> None:
    clock.move(LEASE_S - MARGIN_S - 0.1)
    assert leased.holds()
    clock.move(0.2)
    assert not leased.holds()
    leased.renewed(clock.monotonic_s())
    assert leased.holds()


def test_work_waits_while_the_lease_cannot_be_renewed(
    leased: LeasedJob, clock: ManualClock
) -> None:
    clock.move(LEASE_S)
    passed = threading.Event()

    def work() -> None:
        leased.check()
        passed.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert not passed.is_set()
    leased.renewed(clock.monotonic_s())
    assert passed.wait(5)
    thread.join()


def test_waiting_ends_with_the_job(leased: LeasedJob) -> None:
    threading.Timer(0.01, leased.stop, (StopReason.CANCELLED,)).start()
    with pytest.raises(JobStoppedError):
        leased.pause(60.0)


def test_reported_is_what_was_known_until_the_handler_says_more(leased: LeasedJob) -> None:
    assert leased.reporter() == b"p"
