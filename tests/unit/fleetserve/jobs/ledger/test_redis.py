import pytest

from fleetserve.jobs.ledger.base import (
    KEEP_FINISHED_S,
    LEASE_S,
    Job,
    JobState,
    LedgerUnavailableError,
)
from fleetserve.jobs.ledger.redis import RedisLedger
from fleetserve.keys import Keys
from fleetserve.redis_client import make_sync_redis
from tests.redis_server import RedisServer

KEYS = Keys("t:registry")
JOB = Job("a", "download", "m", b"{}")


def test_finished_job_is_kept_for_a_week(redis_server: RedisServer) -> None:
    with make_sync_redis(redis_server.url) as client:
        ledger = RedisLedger(client, KEYS)
        ledger.insert(JOB)
        assert client.ttl(KEYS.job("a")) == -1
        claimed = ledger.claim("w")
        assert claimed is not None
        ledger.settle(claimed[1], JobState.SUCCEEDED, b"")
        left = client.ttl(KEYS.job("a"))
        assert isinstance(left, int)
        assert KEEP_FINISHED_S - 60 < left <= KEEP_FINISHED_S
        assert client.zcard(KEYS.jobs) == 0


def test_lease_ends_by_the_clock_of_redis(redis_server: RedisServer) -> None:
    with make_sync_redis(redis_server.url) as client:
        ledger = RedisLedger(client, KEYS)
        ledger.insert(JOB)
        ledger.claim("w")
        until = int(client.hget(KEYS.job("a"), "lease_until_ms") or 0)
        seconds, micros = client.time()
        left_s = until / 1000 - seconds - micros / 1e6
        assert LEASE_S - 5 < left_s <= LEASE_S


def test_record_that_was_lost_is_no_obstacle(redis_server: RedisServer) -> None:
    with make_sync_redis(redis_server.url) as client:
        ledger = RedisLedger(client, KEYS)
        ledger.insert(JOB)
        client.delete(KEYS.job("a"))
        assert ledger.claim("w") is None
        assert client.zcard(KEYS.jobs) == 0


def test_two_fleets_share_a_redis(redis_server: RedisServer) -> None:
    with make_sync_redis(redis_server.url) as client:
        RedisLedger(client, KEYS).insert(JOB)
        assert RedisLedger(client, Keys("u:registry")).claim("w") is None


def test_scripts_that_a_restart_forgot_are_sent_again(redis_server: RedisServer) -> None:
    with make_sync_redis(redis_server.url) as client:
        ledger = RedisLedger(client, KEYS)
        ledger.insert(JOB)
        redis_server.stop()
        with pytest.raises(LedgerUnavailableError, match="Redis"):
            ledger.insert(JOB)
        redis_server.start()
        assert ledger.insert(JOB).id == "a"
