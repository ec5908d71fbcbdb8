import time

import pytest

from fleetserve.clock import SystemClock
from fleetserve.jobs.ledger.base import Job, LedgerUnavailableError
from fleetserve.jobs.ledger.memory import MemoryLedger
from fleetserve.jobs.ledger.redis import RedisLedger
from fleetserve.keys import Keys
from fleetserve.redis_client import make_sync_redis
from fleetserve_celery.queue import CeleryQueue, make_celery
from tests.redis_server import RedisServer

JOB = Job("a", "download", "m", b"{}")


@pytest.mark.parametrize("how", ["stop", "hang"])
def test_while_redis_is_away_it_says_so_within_a_second_or_two(
    redis_server: RedisServer, how: str
) -> None:
    with make_sync_redis(redis_server.url) as client:
        app = make_celery(redis_server.url, Keys("t"), "registry", timeout_s=0.5)
        queue = CeleryQueue(RedisLedger(client, Keys("t:registry")), app)
        queue.enqueue(JOB)
        getattr(redis_server, how)()
        begin_s = time.monotonic()
        with pytest.raises(LedgerUnavailableError):
            queue.enqueue(Job("b", "download", "n", b"{}"))
        assert time.monotonic() - begin_s < 2.0
        if how == "hang":
            redis_server.resume()
        app.close()


def test_message_that_cannot_be_sent_does_not_lose_the_job(redis_server: RedisServer) -> None:
    app = make_celery(redis_server.url, Keys("t"), "registry", timeout_s=0.5)
    redis_server.stop()
    queue = CeleryQueue(MemoryLedger(SystemClock()), app)
    begin_s = time.monotonic()
    assert queue.enqueue(JOB).id == "a"
    assert time.monotonic() - begin_s < 2.0
    assert queue.status("a").id == "a"
    app.close()


def test_only_json_is_taken_and_nothing_is_kept_or_repeated(redis_server: RedisServer) -> None:
    conf = make_celery(redis_server.url, Keys("t"), "registry").conf
    assert conf.accept_content == ["json"]
    assert (conf.task_serializer, conf.task_ignore_result) == ("json", True)
    assert (conf.task_publish_retry, conf.worker_prefetch_multiplier) == (False, 1)


def test_every_key_is_under_the_fleets_prefix(redis_server: RedisServer) -> None:
    with make_sync_redis(redis_server.url) as client:
        app = make_celery(redis_server.url, Keys("fleet7"), "registry", timeout_s=0.5)
        CeleryQueue(RedisLedger(client, Keys("fleet7:registry")), app).enqueue(JOB)
        keys = client.keys("*")
        assert isinstance(keys, list)
        assert keys
        assert all(key.startswith(b"fleet7:") for key in keys)
        app.close()
