import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from time import monotonic

import pytest
import uvloop
from redis.exceptions import RedisError

from fleetserve.redis_client import make_redis, make_sync_redis
from tests.redis_server import RedisServer

TIMEOUT_S = 0.2
# redis-py's own defaults would make each of these calls last 3 to 16 s.
BOUND_S = 1.0
RESETS = 150


@pytest.fixture
def resetting() -> Iterator[str]:
    """The URL of something that resets every connection as soon as it stands."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_reset_all, args=(listener,))
        thread.start()
        yield f"redis://:password@127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _reset_all(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


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


def test_connection_that_ends_at_any_moment_is_an_error_of_redis(resetting: str) -> None:
    """On uvloop, where one in ten of these is a RuntimeError to redis-py."""

    async def ping() -> None:
        async with make_redis(resetting) as client:
            for _ in range(RESETS):
                with pytest.raises(RedisError):
                    await client.ping()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(ping())
