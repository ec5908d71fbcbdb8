import pytest
import redis

from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.model_policies import ModelPolicy
from model_registry_svc.policies import PolicyBook
from model_registry_svc.records import RecordBook
from tests.redis_server import RedisServer


@pytest.fixture
def book(client: redis.Redis, keys: Keys) -> PolicyBook:
    return PolicyBook(client, keys)


def test_what_was_asked_is_kept_by_name(book: PolicyBook) -> None:
    pinned = ModelPolicy("m", pinned=True, keep_alive_s=5.0)
    book.put(pinned)
    assert book.all() == {"m": pinned}
    assert book.find("m") == pinned
    assert book.find("n") == ModelPolicy("n")


def test_who_asks_for_nothing_more_is_forgotten(book: PolicyBook) -> None:
    book.put(ModelPolicy("m", pinned=True))
    book.put(ModelPolicy("m"))
    assert book.all() == {}


def test_deleted_model_takes_it_along(book: PolicyBook, records: RecordBook) -> None:
    book.put(ModelPolicy("m", pinned=True))
    records.remove("m")
    assert book.all() == {}


def test_without_redis_it_is_said(book: PolicyBook, redis_server: RedisServer) -> None:
    redis_server.stop()
    with pytest.raises(UnavailableError) as caught:
        book.put(ModelPolicy("m", pinned=True))
    assert caught.value.code == "redis_unavailable"
