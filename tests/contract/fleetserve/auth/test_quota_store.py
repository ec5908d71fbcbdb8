from collections.abc import AsyncIterator

import pytest

from fleetserve.auth.quota.base import Limit, QuotaAsk, QuotaStore
from fleetserve.auth.quota.memory import MemoryQuotaStore
from fleetserve.auth.quota.redis import RedisQuotaStore
from fleetserve.auth.redis_keys import AuthKeys
from fleetserve.clock import ManualClock
from fleetserve.errors import UnavailableError
from fleetserve.redis_client import make_redis
from tests.redis_server import RedisServer

LIMIT = Limit(100, 50.0)


def ask(wanted: int, principal: str = "user:ada", name: str = "user") -> QuotaAsk:
    return QuotaAsk(name, principal, LIMIT, wanted)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_800_000_000.25)


@pytest.fixture(params=["memory", "redis"])
async def store(
    request: pytest.FixtureRequest, clock: ManualClock, anyio_backend: str
) -> AsyncIterator[QuotaStore]:
    if request.param == "memory":
        yield MemoryQuotaStore(clock)
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    client = make_redis(server.url)
    yield RedisQuotaStore(client, AuthKeys("fleet-a"), clock)
    await client.aclose()


async def granted(store: QuotaStore, *asks: QuotaAsk) -> list[int]:
    return [grant.granted for grant in await store.take(asks)]


async def test_bucket_is_full_at_first_and_gives_no_more_than_it_holds(store: QuotaStore) -> None:
    assert await granted(store, ask(60)) == [60]
    assert await granted(store, ask(60)) == [40]
    assert await granted(store, ask(60)) == [0]


async def test_bucket_fills_with_time_and_not_beyond_its_size(
    store: QuotaStore, clock: ManualClock
) -> None:
    await granted(store, ask(100))
    clock.move(5)
    assert await granted(store, ask(100)) == [10]
    clock.move(1000)
    assert await granted(store, ask(1000)) == [100]


async def test_parts_of_a_request_are_kept(store: QuotaStore, clock: ManualClock) -> None:
    await granted(store, ask(100))
    taken = 0
    for _ in range(10):
        clock.move(0.25)
        taken += (await granted(store, ask(5)))[0]
    assert taken == 5


async def test_left_tells_what_the_bucket_holds(store: QuotaStore) -> None:
    (grant,) = await store.take([ask(30)])
    assert grant.left == pytest.approx(70)


async def test_principals_and_classes_have_their_own_bucket(store: QuotaStore) -> None:
    asks = [ask(100), ask(100, "user:bob"), ask(100, name="login"), ask(100)]
    assert await granted(store, *asks) == [100, 100, 100, 0]


async def test_no_asks_give_no_grants(store: QuotaStore) -> None:
    assert await store.take([]) == []


async def test_clock_that_goes_back_fills_nothing_twice(
    store: QuotaStore, clock: ManualClock
) -> None:
    await granted(store, ask(100))
    clock.move(10)
    assert await granted(store, ask(100)) == [20]
    clock.move(-10)
    assert await granted(store, ask(100)) == [0]
    clock.move(10)
    assert await granted(store, ask(100)) == [0]


async def test_smaller_limit_from_now_on_counts_from_now_on(store: QuotaStore) -> None:
    await granted(store, ask(10))
    smaller = QuotaAsk("user", "user:ada", Limit(20, 50.0), 50)
    assert await granted(store, smaller) == [20]


async def test_memory_takes_a_bounded_number_of_buckets(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fleetserve.auth.quota.memory.MAX_BUCKETS", 10)
    store = MemoryQuotaStore(clock)
    await store.take([ask(1, f"user:{number}") for number in range(50)])
    assert len(store._buckets) == 10


async def test_redis_forgets_buckets_that_are_full_again(
    redis_server: RedisServer, clock: ManualClock
) -> None:
    async with make_redis(redis_server.url) as client:
        keys = AuthKeys("fleet-a")
        await RedisQuotaStore(client, keys, clock).take([ask(50)])
        left_ms = await client.pttl(keys.quota("user", "user:ada"))
    assert 24_000 < left_ms <= 26_000


@pytest.mark.parametrize("fault", ["stop", "hang"])
async def test_redis_that_is_away_is_told_within_its_timeout(
    redis_server: RedisServer, clock: ManualClock, fault: str
) -> None:
    async with make_redis(redis_server.url, timeout_s=0.2) as client:
        store = RedisQuotaStore(client, AuthKeys("fleet-a"), clock)
        await store.take([ask(1)])
        getattr(redis_server, fault)()
        with pytest.raises(UnavailableError):
            await store.take([ask(1)])
        if fault == "hang":
            redis_server.resume()
        else:
            redis_server.start()
        assert await granted(store, ask(1)) == [1]
