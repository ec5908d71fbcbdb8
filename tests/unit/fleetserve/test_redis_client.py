from time import monotonic

import pytest
from redis.exceptions import RedisError

from fleetserve.redis_client import make_redis, make_sync_redis
from tests.redis_server import RedisServer

TIMEOUT_S = 0.2
# redis-py's own defaults would make each of these calls last 3 to 16 s.
BOUND_S = 1.0


async def test_answers_are_bytes(redis_server: RedisServer) -> None:
    async with make_redis(redis_server.url) as client:
        await client.set("k", "v")
        assert await client.get("k") == b"v"
    with make_sync_redis(redis_server.url) as sync_client:
        assert sync_client.get("k") == b"v"


@pytest.mark.parametrize("fault", ["stop", "hang"])
@pytest.mark.parametrize("connected", [True, False])
async def test_call_fails_fast_while_redis_is_away_and_works_when_it_is_back(
    redis_server: RedisServer, fault: str, connected: bool
) -> None:
    async with make_redis(redis_server.url, timeout_s=TIMEOUT_S) as client:
        if connected:
            await client.ping()
        getattr(redis_server, fault)()
        begin_s = monotonic()
        with pytest.raises((RedisError, OSError)):
            await client.get("k")
        assert monotonic() - begin_s < BOUND_S
        redis_server.start() if fault == "stop" else redis_server.resume()
        assert await client.ping()


@pytest.mark.parametrize("fault", ["stop", "hang"])
def test_sync_call_fails_fast_while_redis_is_away_and_works_when_it_is_back(
    redis_server: RedisServer, fault: str
) -> None:
    with make_sync_redis(redis_server.url, timeout_s=TIMEOUT_S) as client:
        client.ping()
        getattr(redis_server, fault)()
        begin_s = monotonic()
        with pytest.raises((RedisError, OSError)):
            client.get("k")
        assert monotonic() - begin_s < BOUND_S
        redis_server.start() if fault == "stop" else redis_server.resume()
        assert client.ping()
