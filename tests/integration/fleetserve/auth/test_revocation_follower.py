"""A gateway's revocation list against a real Redis that stops and hangs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from time import monotonic

import pytest
import redis.asyncio

from auth_svc.feed.redis import RedisRevocationFeed
from fleetserve.auth.redis_keys import AuthKeys
from fleetserve.auth.revocation_follower import RevocationFollower
from fleetserve.auth.revocations import Revocation, RevocationList, RevokedKind
from fleetserve.clock import SystemClock
from fleetserve.redis_client import make_redis, make_sync_redis
from tests.redis_server import RedisServer

KEYS = AuthKeys("fleet-a")
CLOCK = SystemClock()


def session(session_id: str) -> Revocation:
    return Revocation(RevokedKind.SESSION, session_id, CLOCK.now_s() + 1000)


class Gateway:
    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.known = RevocationList(CLOCK)
        self.changed = asyncio.Event()
        self.known.listen(lambda _: self.changed.set())
        self.follower = RevocationFollower(client, KEYS, self.known, CLOCK)


async def until(condition: Callable[[], bool], within_s: float) -> float:
    """Seconds that it took; fails after ``within_s``."""
    begin_s = monotonic()
    while not condition():
        assert monotonic() - begin_s < within_s, "it did not come to be"
        await asyncio.sleep(0.01)
    return monotonic() - begin_s


@pytest.fixture
async def gateway(redis_server: RedisServer, anyio_backend: str) -> AsyncIterator[Gateway]:
    async with make_redis(redis_server.url) as client:
        gateway = Gateway(client)
        task = asyncio.ensure_future(gateway.follower.run())
        await until(lambda: gateway.follower.synced, 5)
        yield gateway
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def feed(redis_server: RedisServer) -> RedisRevocationFeed:
    return RedisRevocationFeed(make_sync_redis(redis_server.url), KEYS)


async def tell(feed: RedisRevocationFeed, *revocations: Revocation) -> None:
    await asyncio.to_thread(feed.publish, revocations, CLOCK.now_s())


async def test_revocation_arrives_well_within_a_second(
    gateway: Gateway, feed: RedisRevocationFeed
) -> None:
    await tell(feed, session("s1"))
    assert await until(lambda: gateway.known.session_is_revoked("s1"), 1.0) < 0.5


async def test_gateway_that_connects_later_gets_the_whole_list(
    redis_server: RedisServer, feed: RedisRevocationFeed
) -> None:
    await tell(feed, session("s1"), session("s2"))
    async with make_redis(redis_server.url) as client:
        later = Gateway(client)
        await later.follower.sync()
    assert later.known.session_is_revoked("s1")
    assert later.known.session_is_revoked("s2")


async def test_message_that_nobody_published_is_found_within_a_second(
    gateway: Gateway, redis_server: RedisServer
) -> None:
    entry = session("s1")
    async with make_redis(redis_server.url) as client:
        await client.zadd(KEYS.revocations, {entry.text(): entry.expires_at})
    await until(lambda: gateway.known.session_is_revoked("s1"), 1.5)


async def test_while_redis_is_stopped_the_last_list_holds_and_health_can_tell(
    gateway: Gateway, feed: RedisRevocationFeed, redis_server: RedisServer
) -> None:
    await tell(feed, session("s1"))
    await until(lambda: gateway.known.session_is_revoked("s1"), 1.0)
    assert gateway.follower.trouble() is None
    redis_server.stop()
    await until(lambda: gateway.follower.trouble() is not None, 3.0)
    assert gateway.known.session_is_revoked("s1")
    redis_server.start()
    await until(lambda: gateway.follower.trouble() is None, 3.0)
    await tell(feed, session("s2"))
    await until(lambda: gateway.known.session_is_revoked("s2"), 1.0)
    assert gateway.known.session_is_revoked("s1")


async def test_hung_redis_is_noticed_and_what_it_held_back_arrives(
    gateway: Gateway, feed: RedisRevocationFeed, redis_server: RedisServer
) -> None:
    redis_server.hang()
    await until(lambda: gateway.follower.trouble() is not None, 3.0)
    redis_server.resume()
    await tell(feed, session("s1"))
    await until(lambda: gateway.known.session_is_revoked("s1"), 2.0)
    await until(lambda: gateway.follower.trouble() is None, 3.0)


async def test_nonsense_in_redis_is_passed_over(
    gateway: Gateway, feed: RedisRevocationFeed, redis_server: RedisServer
) -> None:
    async with make_redis(redis_server.url) as client:
        await client.zadd(KEYS.revocations, {"nonsense": CLOCK.now_s() + 100})
        await client.publish(KEYS.revocations_channel, b"nonsense")
    await tell(feed, session("s1"))
    await until(lambda: gateway.known.session_is_revoked("s1"), 1.0)
    assert gateway.follower.trouble() is None
