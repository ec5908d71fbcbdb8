"""What every adapter of the MetricsStore port keeps."""

from collections.abc import AsyncIterator

import pytest

from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.metrics.base import KEPT_S, MetricsStore
from fleetserve.metrics.memory import MemoryMetricsStore
from fleetserve.metrics.redis import RedisMetricsStore
from fleetserve.metrics.rollup import ModelRollUp, RollUp
from fleetserve.redis_client import make_redis
from tests.redis_server import RedisServer

NOW_S = 1_800_000_000


@pytest.fixture(params=["memory", "redis"])
async def store(
    request: pytest.FixtureRequest, redis_server: RedisServer
) -> AsyncIterator[MetricsStore]:
    if request.param == "memory":
        yield MemoryMetricsStore()
        return
    async with make_redis(redis_server.url) as client:
        yield RedisMetricsStore(client, Keys("fleet-a"))


def rollup(at_s: int, replica_id: str = "g1", requests: int = 1) -> RollUp:
    models = {"example": ModelRollUp(requests, 0, 0.5, {100: requests})}
    return RollUp(at_s, "gateway", replica_id, models, {"in_flight": 2.0}, {"shed": 1.0})


async def test_window_gives_what_was_recorded(store: MetricsStore) -> None:
    await store.record(rollup(NOW_S))
    assert await store.window(NOW_S) == [rollup(NOW_S)]


async def test_window_has_every_process_oldest_first(store: MetricsStore) -> None:
    for at_s, replica_id in ((NOW_S + 2, "g1"), (NOW_S + 1, "g2"), (NOW_S, "g1")):
        await store.record(rollup(at_s, replica_id))
    found = await store.window(NOW_S)
    assert [(r.at_s, r.replica_id) for r in found] == [
        (NOW_S, "g1"),
        (NOW_S + 1, "g2"),
        (NOW_S + 2, "g1"),
    ]


async def test_window_begins_with_its_first_second(store: MetricsStore) -> None:
    for second in range(5):
        await store.record(rollup(NOW_S + second))
    assert [r.at_s - NOW_S for r in await store.window(NOW_S + 3)] == [3, 4]
    assert [r.at_s - NOW_S for r in await store.window(NOW_S + 2.5)] == [3, 4]


async def test_same_second_of_a_process_again_replaces_it(store: MetricsStore) -> None:
    await store.record(rollup(NOW_S, requests=1))
    await store.record(rollup(NOW_S, requests=5))
    assert await store.window(NOW_S) == [rollup(NOW_S, requests=5)]


async def test_equal_rollups_of_two_seconds_are_two(store: MetricsStore) -> None:
    await store.record(rollup(NOW_S))
    await store.record(rollup(NOW_S + 1))
    assert len(await store.window(0)) == 2


async def test_older_than_kept_is_dropped(store: MetricsStore) -> None:
    await store.record(rollup(NOW_S))
    await store.record(rollup(NOW_S + 1))
    await store.record(rollup(NOW_S + KEPT_S))
    await store.record(rollup(NOW_S + KEPT_S + 30))
    kept = [r.at_s - NOW_S for r in await store.window(0)]
    assert kept == [KEPT_S, KEPT_S + 30]


async def test_short_window_forgets_no_process(store: MetricsStore) -> None:
    await store.record(rollup(NOW_S))
    assert await store.window(NOW_S + 100) == []
    assert len(await store.window(NOW_S)) == 1


async def test_nothing_recorded_is_an_empty_window(store: MetricsStore) -> None:
    assert await store.window(0) == []


@pytest.mark.parametrize("fault", ["stop", "hang"])
async def test_redis_away_is_told_as_unavailable(redis_server: RedisServer, fault: str) -> None:
    async with make_redis(redis_server.url, timeout_s=0.2) as client:
        store = RedisMetricsStore(client, Keys("fleet-a"))
        await store.record(rollup(NOW_S))
        getattr(redis_server, fault)()
        with pytest.raises(UnavailableError):
            await store.record(rollup(NOW_S + 1))
        with pytest.raises(UnavailableError):
            await store.window(NOW_S)


async def test_fleets_in_one_redis_do_not_mix(redis_server: RedisServer) -> None:
    async with make_redis(redis_server.url) as client:
        await RedisMetricsStore(client, Keys("fleet-a")).record(rollup(NOW_S))
        assert await RedisMetricsStore(client, Keys("fleet-b")).window(0) == []


async def test_process_whose_rollups_expired_is_forgotten(redis_server: RedisServer) -> None:
    keys = Keys("fleet-a")
    async with make_redis(redis_server.url) as client:
        store = RedisMetricsStore(client, keys)
        await store.record(rollup(NOW_S))
        await client.delete(keys.metrics("gateway", "g1"))
        assert await store.window(0) == []
        assert await client.scard(keys.metrics_services) == 0
