from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from fleetserve.clock import ManualClock
from fleetserve.keys import Keys
from fleetserve.model_policies import ModelPolicy, encode_policy
from fleetserve.redis_client import make_redis
from fleetserve.replica.pins import Pins
from fleetserve.replica.pool import ModelPool
from tests.redis_server import RedisServer
from tests.unit.fleetserve.replica.loaders import DirectedLoader

KEYS = Keys("test")


@pytest.fixture
async def client(
    redis_server: RedisServer, anyio_backend: str
) -> AsyncIterator[redis.asyncio.Redis]:
    async with make_redis(redis_server.url) as client:
        yield client


@pytest.fixture
async def pool(anyio_backend: str) -> AsyncIterator[ModelPool[str]]:
    pool: ModelPool[str] = ModelPool(DirectedLoader(), clock=ManualClock())
    yield pool
    await pool.close()


async def put(client: redis.asyncio.Redis, policy: ModelPolicy) -> None:
    await client.hset(KEYS.policies, policy.name, encode_policy(policy))


async def test_a_pool_is_told_what_is_pinned(
    client: redis.asyncio.Redis, pool: ModelPool[str]
) -> None:
    await put(client, ModelPolicy("a", pinned=True))
    await put(client, ModelPolicy("b", keep_alive_s=3.0))
    pins = Pins(client, KEYS, pool, ManualClock())
    assert await pins.read()
    assert pool.pinned == {"a"}
    await put(client, ModelPolicy("a"))
    assert await pins.read()
    assert pool.pinned == set()


async def test_while_redis_is_away_what_was_pinned_stays_so(
    client: redis.asyncio.Redis, pool: ModelPool[str], redis_server: RedisServer
) -> None:
    await put(client, ModelPolicy("a", pinned=True))
    pins = Pins(client, KEYS, pool, ManualClock())
    await pins.read()
    redis_server.stop()
    assert not await pins.read()
    assert pool.pinned == {"a"}
