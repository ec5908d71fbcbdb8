import pytest
import redis

from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from model_registry_svc.worker_presence import TTL_S, WorkerPresence, WorkerReport
from tests.redis_server import RedisServer


@pytest.fixture
def presence(client: redis.Redis, keys: Keys) -> WorkerPresence:
    return WorkerPresence(client, keys)


def test_workers_that_announce_are_there_until_they_go(presence: WorkerPresence) -> None:
    assert presence.workers() == {}
    presence.announce("w1", WorkerReport(2, 10.0))
    presence.announce("w2", WorkerReport(0, 30.0))
    assert presence.workers() == {"w1": WorkerReport(2, 10.0), "w2": WorkerReport(0, 30.0)}
    assert presence.last_rate() == 30.0
    presence.withdraw("w1")
    assert list(presence.workers()) == ["w2"]


def test_worker_that_falls_silent_is_forgotten(
    presence: WorkerPresence, client: redis.Redis
) -> None:
    presence.announce("w1", WorkerReport())
    (key,) = client.keys("*")
    left = client.ttl(key)
    assert isinstance(left, int)
    assert 0 < left <= TTL_S


def test_rate_is_unknown_before_the_first_download(presence: WorkerPresence) -> None:
    assert presence.last_rate() == 0.0


def test_while_redis_is_away_announcing_fails_softly_and_asking_says_so(
    presence: WorkerPresence, redis_server: RedisServer
) -> None:
    redis_server.stop()
    assert not presence.announce("w1", WorkerReport())
    presence.withdraw("w1")
    assert presence.last_rate() == 0.0
    with pytest.raises(UnavailableError):
        presence.workers()
