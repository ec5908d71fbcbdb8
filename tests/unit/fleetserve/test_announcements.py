from collections.abc import AsyncIterator
from time import monotonic

import msgspec
import pytest
import redis.asyncio

from fleetserve.announcements import (
    TTL_S,
    Announcement,
    Announcer,
    InstanceState,
    ModelInstance,
    ReplicaState,
    decode_announcement,
    encode_announcement,
)
from fleetserve.keys import Keys
from fleetserve.redis_client import make_redis
from tests.redis_server import RedisServer

KEYS = Keys("fleet-a")
KEY = KEYS.announcement("inference-svc", "i1")


class Replica:
    """What is announced, as a test sets it."""

    def __init__(self) -> None:
        self.state = ReplicaState.READY
        self.in_flight = 0

    def describe(self) -> Announcement:
        return Announcement(
            "inference-svc", "i1", "http://127.0.0.1:1", "b1", self.state, in_flight=self.in_flight
        )


@pytest.fixture
def replica() -> Replica:
    return Replica()


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    client = make_redis(redis_server.url, timeout_s=0.2)
    yield client
    await client.aclose()


@pytest.fixture
def announcer(client: redis.asyncio.Redis, replica: Replica) -> Announcer:
    return Announcer(client, KEYS, replica.describe)


def test_announcement_survives_the_wire() -> None:
    instance = ModelInstance("m", "abc", InstanceState.LOADING, 42, task="text-generation")
    sent = Announcement(
        "s", "r", "http://h:1", "b", ReplicaState.DRAINING, (instance,), versions={"torch": "2"}
    )
    assert decode_announcement(encode_announcement(sent)) == sent


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b'{"service": 3}', b"\xff"])
def test_what_is_no_announcement_is_refused(raw: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_announcement(raw)


def test_fields_of_a_newer_version_are_passed_over() -> None:
    raw = encode_announcement(Replica().describe())[:-1] + b',"hue":"green"}'
    assert decode_announcement(raw).replica_id == "i1"


async def test_announcement_is_kept_for_its_time_to_live(
    announcer: Announcer, client: redis.asyncio.Redis, replica: Replica
) -> None:
    await announcer.announce_now()
    raw = await client.get(KEY)
    assert raw is not None
    assert decode_announcement(raw) == replica.describe()
    assert 0 < await client.pttl(KEY) <= TTL_S * 1000


async def test_announcement_is_heard_at_once(
    announcer: Announcer, client: redis.asyncio.Redis, replica: Replica
) -> None:
    async with client.pubsub() as pubsub:
        await pubsub.subscribe(KEYS.announcements_channel)
        await pubsub.get_message(timeout=1)
        replica.in_flight = 7
        await announcer.announce_now()
        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1)
    assert message is not None
    assert decode_announcement(message["data"]).in_flight == 7


async def test_gone_takes_the_key_away_and_is_heard(
    announcer: Announcer, client: redis.asyncio.Redis, replica: Replica
) -> None:
    await announcer.announce_now()
    async with client.pubsub() as pubsub:
        await pubsub.subscribe(KEYS.announcements_channel)
        await pubsub.get_message(timeout=1)
        replica.state = ReplicaState.GONE
        await announcer.announce_now()
        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1)
    assert message is not None
    assert decode_announcement(message["data"]).state is ReplicaState.GONE
    assert await client.exists(KEY) == 0


async def test_redis_stopped_costs_no_error_and_the_next_one_is_heard(
    announcer: Announcer, client: redis.asyncio.Redis, redis_server: RedisServer
) -> None:
    redis_server.stop()
    begin_s = monotonic()
    await announcer.announce_now()
    assert monotonic() - begin_s < 1.0
    redis_server.start()
    await announcer.announce_now()
    assert await client.exists(KEY) == 1


async def test_redis_hung_costs_no_more_than_its_timeout_and_the_next_one_is_heard(
    announcer: Announcer, client: redis.asyncio.Redis, redis_server: RedisServer
) -> None:
    redis_server.hang()
    begin_s = monotonic()
    await announcer.announce_now()
    assert monotonic() - begin_s < 1.0
    redis_server.resume()
    await announcer.announce_now()
    assert await client.exists(KEY) == 1
