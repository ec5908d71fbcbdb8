from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from fleetserve.announcements import Announcement, ReplicaState, encode_announcement
from fleetserve.keys import Keys
from fleetserve.redis_client import make_redis
from gpu_svc.fleet.redis import RedisFleet
from tests.redis_server import RedisServer

KEYS = Keys("fleet-a")


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    async with make_redis(redis_server.url) as client:
        yield client


async def test_an_announcement_of_another_release_is_passed_over(
    client: redis.asyncio.Redis,
) -> None:
    good = Announcement(
        "inference-svc", "r1", "http://x", "b", ReplicaState.READY, versions={"torch": "2.13.0"}
    )
    await client.set(KEYS.announcement("inference-svc", "r1"), encode_announcement(good))
    await client.set(KEYS.announcement("inference-svc", "r2"), b'{"strange": 1}')
    builds = await RedisFleet(client, KEYS).torch_builds()
    assert [build.where for build in builds] == ["replica r1"]


async def test_services_without_torch_are_not_builds(client: redis.asyncio.Redis) -> None:
    gateway = Announcement("gateway", "g1", "http://x", "b", ReplicaState.READY)
    await client.set(KEYS.announcement("gateway", "g1"), encode_announcement(gateway))
    assert await RedisFleet(client, KEYS).torch_builds() == []
