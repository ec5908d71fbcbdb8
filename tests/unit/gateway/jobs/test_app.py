import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from fleetserve.announcements import ReplicaState
from fleetserve.jobs.ledger.base import Job, JobState
from fleetserve.jobs.ledger.redis import RedisLedger
from fleetserve.redis_client import make_sync_redis
from fleetserve.settings import ServiceSettings
from fleetserve.tokens import CALLS, make_secrets
from gateway.jobs.app import JobsWorker, build_worker
from gateway.jobs.work import REQUEST_KIND
from gateway.settings import job_keys
from tests.redis_server import RedisServer

WAIT_S = 10.0


@pytest.fixture
def worker(
    settings: ServiceSettings, redis_server: RedisServer, own_logging: None
) -> Iterator[JobsWorker]:
    make_secrets(settings.secrets_dir, CALLS)
    made = build_worker(replace(settings, service="jobs-worker", redis_url=redis_server.url))
    yield made
    made.stop()
    made.runtime.sink.close()


@pytest.fixture
def ledger(settings: ServiceSettings, redis_server: RedisServer) -> Iterator[RedisLedger]:
    with make_sync_redis(redis_server.url) as client:
        yield RedisLedger(client, job_keys(settings))


def wait_for(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(WAIT_S / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not come about")


def test_worker_is_ready_without_an_address(worker: JobsWorker, redis_server: RedisServer) -> None:
    worker.start()
    assert worker.runtime.announcement().state is ReplicaState.READY
    assert worker.runtime.announcement().address == ""
    key = worker.runtime.keys.announcement("jobs-worker", "g1")
    with make_sync_redis(redis_server.url) as client:
        wait_for(lambda: bool(client.exists(key)))
        worker.stop()
        assert not client.exists(key)
    assert worker.runtime.announcement().state is ReplicaState.GONE


def test_job_whose_files_are_gone_fails_and_says_so(
    worker: JobsWorker, ledger: RedisLedger
) -> None:
    worker.start()
    work = b'{"folder":"job-1.x","route":"/predict","model":"m","digest":"","size":1}'
    ledger.insert(Job("job-1", REQUEST_KIND, "job-1", work))
    worker.runner.wake()
    wait_for(lambda: ledger.read("job-1").state is JobState.FAILED)
    assert b"body_gone" in ledger.read("job-1").result


def test_nothing_of_the_fleet_is_followed_while_there_is_no_work(worker: JobsWorker) -> None:
    assert worker.runtime.background == []
