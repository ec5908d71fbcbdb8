import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from fleetserve.clock import ManualClock, SystemClock
from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.jobs.ledger.base import (
    LEASE_S,
    Hold,
    Job,
    JobState,
    Lease,
    LedgerUnavailableError,
)
from fleetserve.jobs.ledger.memory import MemoryLedger
from fleetserve.jobs.runner import JobFailedError, Runner

WAIT_S = 5.0


@dataclass
class StepHandler:
    """Does what it is told to, and says when it has begun and ended."""

    act: Callable[[LeasedJob], bytes] = lambda _: b'"done"'
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    jobs: list[LeasedJob] = field(default_factory=list)

    def run(self, job: LeasedJob) -> bytes:
        self.jobs.append(job)
        self.begun.release()
        return self.act(job)


class FlakyLedger(MemoryLedger):
    """Redis as it is when it is away."""

    away = False

    def _look(self) -> None:
        if self.away:
            raise LedgerUnavailableError("away")

    def claim(self, owner: str, *, restarted: bool = False) -> tuple[Job, Lease] | None:
        self._look()
        return super().claim(owner, restarted=restarted)

    def report(self, lease: Lease, progress: bytes) -> Hold:
        self._look()
        return super().report(lease, progress)

    def settle(self, lease: Lease, state: JobState, result: bytes) -> bool:
        self._look()
        return super().settle(lease, state, result)


@pytest.fixture
def ledger() -> FlakyLedger:
    return FlakyLedger(ManualClock(1000.0))


@pytest.fixture
def handler() -> StepHandler:
    return StepHandler()


@pytest.fixture
def runner(ledger: FlakyLedger, handler: StepHandler) -> Iterator[Runner]:
    made = Runner(ledger, {"download": handler}, owner="w1", clock=SystemClock(), width=2)
    yield made
    made.stop()


@pytest.fixture
def running(runner: Runner) -> Iterator[Runner]:
    thread = threading.Thread(target=runner.run)
    thread.start()
    yield runner
    runner.stop()
    thread.join(WAIT_S)
    assert not thread.is_alive()


def insert(ledger: MemoryLedger, *ids: str) -> None:
    for job_id in ids:
        ledger.insert(Job(job_id, "download", f"subject-{job_id}", b"{}"))


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds; looked at between the runner's steps."""
    done = threading.Event()
    for _ in range(1000):
        if condition():
            return
        done.wait(0.005)
    raise AssertionError("it did not come about")


def block(job: LeasedJob) -> bytes:
    job.pause(WAIT_S * 2)
    return b""


def fail(_: LeasedJob) -> bytes:
    raise JobFailedError(b'"why"')


def crash(_: LeasedJob) -> bytes:
    raise RuntimeError("a bug")


def test_job_is_done_and_its_result_committed(running: Runner, ledger: FlakyLedger) -> None:
    insert(ledger, "a")
    running.wake()
    wait_for(lambda: ledger.read("a").state is JobState.SUCCEEDED)
    assert ledger.read("a").result == b'"done"'
    wait_for(lambda: running.active == 0)


def test_job_without_a_wake_up_is_found(running: Runner, ledger: FlakyLedger) -> None:
    insert(ledger, "a")
    wait_for(lambda: ledger.read("a").state is JobState.SUCCEEDED)


@pytest.mark.parametrize(("act", "result"), [(fail, b'"why"'), (crash, b"")])
def test_failure_is_committed(
    running: Runner,
    ledger: FlakyLedger,
    handler: StepHandler,
    act: Callable[[LeasedJob], bytes],
    result: bytes,
) -> None:
    handler.act = act
    insert(ledger, "a")
    running.wake()
    wait_for(lambda: ledger.read("a").state is JobState.FAILED)
    assert ledger.read("a").result == result


def test_no_more_than_the_width_are_claimed(
    runner: Runner, ledger: FlakyLedger, handler: StepHandler
) -> None:
    handler.act = block
    insert(ledger, "a", "b", "c")
    runner.claim_all()
    assert runner.active == 2
    assert ledger.read("c").state is JobState.QUEUED


def test_progress_is_reported_when_it_changes(
    runner: Runner, ledger: FlakyLedger, handler: StepHandler
) -> None:
    handler.act = block
    insert(ledger, "a")
    runner.claim_all()
    assert handler.begun.acquire(timeout=WAIT_S)
    handler.jobs[0].reporter = lambda: b"half"
    runner.report_all()
    assert ledger.read("a").progress == b"half"


def test_stopping_lets_go_so_that_another_can_take_it_at_once(
    runner: Runner, ledger: FlakyLedger, handler: StepHandler
) -> None:
    handler.act = block
    insert(ledger, "a")
    runner.claim_all()
    assert handler.begun.acquire(timeout=WAIT_S)
    runner.stop()
    assert ledger.read("a").state is JobState.QUEUED
    assert ledger.claim("w2") is not None
    wait_for(lambda: runner.active == 0)


def test_cancelled_job_stops_and_its_subject_is_free(
    runner: Runner, ledger: FlakyLedger, handler: StepHandler
) -> None:
    handler.act = block
    insert(ledger, "a")
    runner.claim_all()
    assert handler.begun.acquire(timeout=WAIT_S)
    ledger.cancel("a")
    runner.report_all()
    wait_for(lambda: runner.active == 0)
    ledger.insert(Job("b", "delete", "subject-a", b"{}"))
    assert ledger.claim("w2") is not None


def test_job_that_another_took_over_is_left_to_it(
    ledger: FlakyLedger, handler: StepHandler
) -> None:
    clock = ManualClock()
    ledger = FlakyLedger(clock)
    runner = Runner(ledger, {"download": handler}, owner="w1", clock=SystemClock(), width=1)
    handler.act = block
    insert(ledger, "a")
    runner.claim_all()
    assert handler.begun.acquire(timeout=WAIT_S)
    clock.move(LEASE_S + 1)
    taken = ledger.claim("w2")
    assert taken is not None
    runner.report_all()
    wait_for(lambda: runner.active == 0)
    assert ledger.read("a").owner == "w2"
    assert ledger.settle(taken[1], JobState.SUCCEEDED, b"theirs")
    runner.stop()


def test_result_waits_for_a_ledger_that_is_away(
    running: Runner, ledger: FlakyLedger, handler: StepHandler
) -> None:
    release = threading.Event()

    def act(_: LeasedJob) -> bytes:
        ledger.away = True
        release.wait(WAIT_S)
        return b'"late"'

    handler.act = act
    insert(ledger, "a")
    running.wake()
    assert handler.begun.acquire(timeout=WAIT_S)
    release.set()
    wait_for(lambda: ledger.away)
    ledger.away = False
    wait_for(lambda: ledger.read("a").state is JobState.SUCCEEDED)


def test_ledger_that_is_away_does_not_end_the_runner(running: Runner, ledger: FlakyLedger) -> None:
    ledger.away = True
    running.wake()
    insert(ledger, "a")
    ledger.away = False
    wait_for(lambda: ledger.read("a").state is JobState.SUCCEEDED)


def test_process_that_was_killed_takes_up_its_jobs_when_it_is_back(
    ledger: FlakyLedger, handler: StepHandler
) -> None:
    insert(ledger, "a")
    assert ledger.claim("w1") is not None
    runner = Runner(ledger, {"download": handler}, owner="w1", clock=SystemClock(), width=1)
    runner.claim_all()
    wait_for(lambda: ledger.read("a").state is JobState.SUCCEEDED)
    assert ledger.read("a").fence == 2
    runner.stop()


def test_job_of_a_kind_that_nobody_knows_fails(running: Runner, ledger: FlakyLedger) -> None:
    ledger.insert(Job("a", "strange", "s", b"{}"))
    running.wake()
    wait_for(lambda: ledger.read("a").state is JobState.FAILED)


def test_who_wants_to_know_is_told_of_each_end_that_was_committed(
    ledger: FlakyLedger, handler: StepHandler
) -> None:
    ended: list[Job] = []

    def tell(job: Job) -> None:
        ended.append(job)
        raise RuntimeError("a bug of the teller")

    runner = Runner(
        ledger, {"download": handler}, owner="w1", clock=SystemClock(), width=1, on_settled=tell
    )
    insert(ledger, "a")
    runner.claim_all()
    wait_for(lambda: runner.active == 0)
    assert [(job.id, job.state, job.result) for job in ended] == [
        ("a", JobState.SUCCEEDED, b'"done"')
    ]
    handler.act = block
    insert(ledger, "b")
    runner.claim_all()
    ledger.cancel("b")
    runner.report_all()
    wait_for(lambda: runner.active == 0)
    assert len(ended) == 1
    runner.stop()
