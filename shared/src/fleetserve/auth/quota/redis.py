"""Buckets in Redis: one script call per batch, whatever its size."""

from collections.abc import Sequence

import redis.asyncio
from redis.exceptions import RedisError

from fleetserve.auth.quota.base import Grant, QuotaAsk
from fleetserve.auth.redis_keys import AuthKeys
from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError

# Time comes from the caller and only ever moves a bucket forward, so that a gateway whose clock
# is behind neither fills nor empties it.
_SCRIPT = """
local now = tonumber(ARGV[1])
local answers = {}
for i, key in ipairs(KEYS) do
  local size = tonumber(ARGV[3 * i - 1])
  local rate = tonumber(ARGV[3 * i])
  local wanted = tonumber(ARGV[3 * i + 1])
  local row = redis.call('HMGET', key, 'left', 'at')
  local left = tonumber(row[1]) or size
  local at = tonumber(row[2]) or now
  left = math.min(size, left + math.max(0, now - at) * rate)
  local granted = math.min(wanted, math.floor(left))
  left = left - granted
  redis.call('HSET', key, 'left', tostring(left), 'at', string.format('%.6f', math.max(now, at)))
  redis.call('PEXPIRE', key, math.ceil((size - left) / rate * 1000) + 1000)
  answers[2 * i - 1] = granted
  answers[2 * i] = tostring(left)
end
return answers
"""


class RedisQuotaStore:
    def __init__(self, client: redis.asyncio.Redis, keys: AuthKeys, clock: Clock) -> None:
        self._client = client
        self._keys = keys
        self._clock = clock

    async def take(self, asks: Sequence[QuotaAsk]) -> list[Grant]:
        if not asks:
            return []
        names = [self._keys.quota(ask.limit_name, ask.principal) for ask in asks]
        arguments: list[str] = [f"{self._clock.now_s():.6f}"]
        for ask in asks:
            arguments += [str(ask.limit.requests), f"{ask.limit.rate:.9f}", str(ask.wanted)]
        try:
            rows = await self._client.eval(_SCRIPT, len(names), *names, *arguments)
        except (RedisError, OSError, TimeoutError) as exc:
            raise UnavailableError(f"Redis gave no quota: {exc}") from exc
        return [
            Grant(int(granted), float(left))
            for granted, left in zip(rows[::2], rows[1::2], strict=True)
        ]
