import asyncio
import threading
from collections.abc import Iterator

import pytest

from fleetserve.clock import SystemClock
from fleetserve.jobs.leased_job import JobStoppedError, LeasedJob, StopReason
from fleetserve.jobs.ledger.base import Job, Lease
from fleetserve.runtime import ServiceRuntime
from gateway.jobs.work_loop import WorkLoop

WAIT_S = 10.0


@pytest.fixture
def loop(runtime: ServiceRuntime) -> Iterator[WorkLoop]:
    runtime.clock = SystemClock()
    made = WorkLoop(runtime)
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.stop()
    assert made.ended.wait(WAIT_S)
    thread.join()


@pytest.fixture
def leased() -> LeasedJob:
    return LeasedJob(Job("a", "request", "a", b"{}"), Lease("a", "w", 1), SystemClock())


def test_result_comes_back_to_the_jobs_thread(loop: WorkLoop, leased: LeasedJob) -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    assert loop.call(leased, work) != threading.current_thread().name


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("its own")])
def test_error_comes_back_too(loop: WorkLoop, leased: LeasedJob, error: Exception) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        loop.call(leased, work)


def test_job_that_must_stop_is_cancelled_on_the_loop(loop: WorkLoop, leased: LeasedJob) -> None:
    begun, ended = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    def stop() -> None:
        assert begun.wait(WAIT_S)
        leased.stop(StopReason.CANCELLED)

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(JobStoppedError):
        loop.call(leased, work)
    assert ended.wait(WAIT_S)
    thread.join()
