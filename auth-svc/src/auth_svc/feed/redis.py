"""A sorted set for gateways that connect, a message for those that are connected."""

from collections.abc import Sequence

import redis
from redis.exceptions import RedisError

from fleetserve.auth.redis_keys import AuthKeys
from fleetserve.auth.revocations import Revocation, encode_revocations
from fleetserve.errors import UnavailableError


class RedisRevocationFeed:
    def __init__(self, client: redis.Redis, keys: AuthKeys) -> None:
        self._client = client
        self._keys = keys

    def publish(self, revocations: Sequence[Revocation], now_s: float) -> None:
        key = self._keys.revocations
        try:
            with self._client.pipeline(transaction=True) as pipe:
                pipe.zremrangebyscore(key, "-inf", now_s)
                if revocations:
                    pipe.zadd(key, {entry.text(): entry.expires_at for entry in revocations})
                    pipe.publish(self._keys.revocations_channel, encode_revocations(revocations))
                pipe.execute()
        except (RedisError, OSError) as exc:
            raise UnavailableError(f"Redis did not take the revocations: {exc}") from exc
