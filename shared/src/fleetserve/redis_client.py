"""Redis clients that fail fast.

redis-py's defaults retry for seconds: with Redis hung a get blocked 7.8 s in asyncio and
15.6 s in a thread; without retries and with these timeouts it fails in a quarter second.
"""

from collections.abc import Iterable
from typing import Any

import redis
import redis.asyncio
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError
from redis.retry import Retry

TIMEOUT_S = 0.5
# Of RESP3 nothing is used here, and its parser costs a fifth of what a message of pub/sub does.
PROTOCOL = 2


class _Lost:
    """A connection whose end is a ConnectionError at every moment.

    uvloop's transports raise RuntimeError on a write between their end and connection_lost, which
    redis-py passes on: who waits for Redis to come back would take it for an error of its own.
    """

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        sender: Any = super()
        try:
            await sender.send_packed_command(command, check_health)
        except RuntimeError as exc:
            raise ConnectionError(f"The connection is lost: {exc}") from exc


class _TcpConnection(_Lost, Connection):
    pass


class _TlsConnection(_Lost, SSLConnection):
    pass


class _UnixConnection(_Lost, UnixDomainSocketConnection):
    pass


_OURS = {
    Connection: _TcpConnection,
    SSLConnection: _TlsConnection,
    UnixDomainSocketConnection: _UnixConnection,
}


def make_redis(url: str, *, timeout_s: float = TIMEOUT_S) -> redis.asyncio.Redis:
    """An asyncio client: answers are bytes, every call ends within ``timeout_s``.

    Raises (from its calls): redis.exceptions.RedisError, at once when Redis is away.
    """
    client = redis.asyncio.Redis.from_url(
        url,
        protocol=PROTOCOL,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
    )
    pool = client.connection_pool
    pool.connection_class = _OURS[pool.connection_class]
    return client


def make_sync_redis(url: str, *, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """The same for threads and workers."""
    return redis.Redis.from_url(
        url,
        protocol=PROTOCOL,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )
