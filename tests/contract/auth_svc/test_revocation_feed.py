from collections.abc import Callable, Iterator

import pytest

from auth_svc.feed.base import RevocationFeed
from auth_svc.feed.memory import MemoryRevocationFeed
from auth_svc.feed.redis import RedisRevocationFeed
from fleetserve.auth.redis_keys import AuthKeys
from fleetserve.auth.revocations import Revocation, RevokedKind, decode_revocations
from fleetserve.errors import UnavailableError
from fleetserve.redis_client import make_sync_redis
from tests.redis_server import RedisServer

KEYS = AuthKeys("fleet-a")
SESSION = Revocation(RevokedKind.SESSION, "s1", 2000.5)
USER = Revocation(RevokedKind.USER, "u1", 3000.0, 2)


class Bench:
    """A feed, what a gateway that connects now would read, and a way to take it away."""

    def __init__(
        self,
        feed: RevocationFeed,
        told: Callable[[], set[Revocation]],
        go_away: Callable[[], None],
        come_back: Callable[[], None],
    ) -> None:
        self.feed, self.told, self.go_away, self.come_back = feed, told, go_away, come_back


def memory_bench() -> Bench:
    feed = MemoryRevocationFeed()

    def away(*, is_away: bool) -> None:
        feed.away = is_away

    return Bench(
        feed, lambda: set(feed.told()), lambda: away(is_away=True), lambda: away(is_away=False)
    )


@pytest.fixture(params=["memory", "redis"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "memory":
        yield memory_bench()
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    with make_sync_redis(server.url, timeout_s=0.2) as client:

        def told() -> set[Revocation]:
            rows = client.zrange(KEYS.revocations, 0, -1, withscores=True)
            return {Revocation.from_text(text.decode(), score) for text, score in rows}

        yield Bench(RedisRevocationFeed(client, KEYS), told, server.stop, server.start)


def test_gateway_that_connects_reads_all_that_was_told(bench: Bench) -> None:
    bench.feed.publish([SESSION], 1000)
    bench.feed.publish([USER], 1000)
    assert bench.told() == {SESSION, USER}


def test_telling_again_changes_nothing(bench: Bench) -> None:
    for _ in range(3):
        bench.feed.publish([SESSION, USER], 1000)
    assert bench.told() == {SESSION, USER}


def test_expired_entries_are_dropped(bench: Bench) -> None:
    bench.feed.publish([SESSION, USER], 1000)
    bench.feed.publish([], 2500)
    assert bench.told() == {USER}


def test_feed_that_is_away_says_so_and_takes_it_later(bench: Bench) -> None:
    bench.go_away()
    with pytest.raises(UnavailableError):
        bench.feed.publish([SESSION], 1000)
    bench.come_back()
    bench.feed.publish([SESSION], 1000)
    assert bench.told() == {SESSION}


def test_gateways_that_listen_hear_it_at_once(redis_server: RedisServer) -> None:
    with make_sync_redis(redis_server.url) as client, client.pubsub() as pubsub:
        pubsub.subscribe(KEYS.revocations_channel)
        pubsub.get_message(timeout=1)
        RedisRevocationFeed(client, KEYS).publish([SESSION, USER], 1000)
        message = pubsub.get_message(ignore_subscribe_messages=True, timeout=1)
    assert message is not None
    assert decode_revocations(message["data"]) == [SESSION, USER]
