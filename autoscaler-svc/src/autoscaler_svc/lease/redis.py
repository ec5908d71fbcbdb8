"""The lease as a key that runs out."""

import redis.asyncio
from redis.exceptions import RedisError

from autoscaler_svc.redis_keys import ScalerKeys
from fleetserve.errors import UnavailableError

# Reading, comparing and writing have to be one step: KEYS[1] the lease, ARGV owner and ms.
_HOLD = """
local owner = redis.call('get', KEYS[1])
if not owner or owner == ARGV[1] then
  redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return ARGV[1]
end
return owner
"""
_RELEASE = """
if redis.call('get', KEYS[1]) == ARGV[1] then
  return redis.call('del', KEYS[1])
end
return 0
"""


class RedisLease:
    """``owner`` is the same after a crash where replica ids are, so such a leader leads on."""

    def __init__(
        self, client: redis.asyncio.Redis, keys: ScalerKeys, owner: str, ttl_s: float
    ) -> None:
        self._client = client
        self._key = keys.lease
        self._owner = owner
        self._ttl_ms = round(ttl_s * 1000)

    async def hold(self) -> str:
        try:
            found: bytes = await self._client.eval(
                _HOLD, 1, self._key, self._owner, str(self._ttl_ms)
            )
        except (RedisError, OSError) as exc:
            raise _away(exc) from exc
        return found.decode()

    async def release(self) -> None:
        try:
            await self._client.eval(_RELEASE, 1, self._key, self._owner)
        except (RedisError, OSError) as exc:
            raise _away(exc) from exc


def _away(exc: Exception) -> UnavailableError:
    return UnavailableError(f"Nobody leads while Redis is away: {exc}", code="redis_unavailable")
