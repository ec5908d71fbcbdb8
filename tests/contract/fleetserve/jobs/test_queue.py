"""Both queues keep the promises of JobQueue."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.jobs.ledger.base import Job, JobLedger, JobNotFoundError, JobState
from fleetserve.jobs.ledger.memory import MemoryLedger
from fleetserve.jobs.ledger.redis import RedisLedger
from fleetserve.jobs.queue.base import JobQueue
from fleetserve.jobs.queue.memory import MemoryQueue
from fleetserve.keys import Keys
from fleetserve.redis_client import make_sync_redis
from fleetserve_celery.queue import CeleryQueue, make_celery
from tests.redis_server import RedisServer

QUEUE = "registry"


@dataclass
class Harness:
    """A queue, the ledger behind it, and how often a worker was woken."""

    queue: JobQueue
    ledger: JobLedger
    wakes: Callable[[], int]


@pytest.fixture(params=["memory", "celery"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    if request.param == "memory":
        ledger, woken = MemoryLedger(ManualClock()), list[None]()
        yield Harness(MemoryQueue(ledger, lambda: woken.append(None)), ledger, lambda: len(woken))
        return
    with RedisServer(tmp_path) as server:
        client, keys = make_sync_redis(server.url), Keys("test")
        redis_ledger = RedisLedger(client, Keys("test:registry"))
        app = make_celery(server.url, keys, QUEUE, timeout_s=0.5)

        def wakes() -> int:
            count = client.llen(f"{keys.celery('')}{QUEUE}")
            assert isinstance(count, int)
            return count

        yield Harness(CeleryQueue(redis_ledger, app), redis_ledger, wakes)
        app.close()
        client.close()


def job(job_id: str, subject: str = "m") -> Job:
    return Job(id=job_id, kind="download", subject=subject, request=b"{}")


def test_enqueued_job_is_recorded_and_a_worker_woken(harness: Harness) -> None:
    stored = harness.queue.enqueue(job("a"))
    assert harness.queue.status("a") == stored
    assert harness.wakes() == 1


def test_asking_twice_gives_the_job_under_way(harness: Harness) -> None:
    harness.queue.enqueue(job("a"))
    assert harness.queue.enqueue(job("b")).id == "a"


def test_result_is_there_when_the_job_is_finished(harness: Harness) -> None:
    harness.queue.enqueue(job("a"))
    assert harness.queue.result("a") is None
    claimed = harness.ledger.claim("w")
    assert claimed is not None
    harness.ledger.settle(claimed[1], JobState.SUCCEEDED, b'{"n":1}')
    assert harness.queue.result("a") == b'{"n":1}'


def test_cancelling_twice_is_as_once(harness: Harness) -> None:
    harness.queue.enqueue(job("a"))
    assert harness.queue.cancel("a").state is JobState.CANCELLED
    assert harness.queue.cancel("a").state is JobState.CANCELLED
    assert harness.ledger.claim("w") is None


def test_unknown_job_is_not_found(harness: Harness) -> None:
    for ask in (harness.queue.status, harness.queue.result, harness.queue.cancel):
        with pytest.raises(JobNotFoundError):
            ask("nowhere")
