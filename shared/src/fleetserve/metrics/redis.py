"""Roll-ups in Redis: a sorted set by second for each process."""

import redis.asyncio
from redis.exceptions import RedisError

from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.metrics.base import KEPT_S
from fleetserve.metrics.rollup import RollUp, decode_rollup, encode_rollup

# How often old roll-ups are dropped.
TRIM_EVERY_S = 30
# Defines record(key, members, raw, at_s, member) for scripts: one exchange and one answer cost a
# process half of what a pipeline of the same commands does.
RECORD = f"""
local function record(key, members, raw, at_s, member)
  redis.call('ZREMRANGEBYSCORE', key, at_s, at_s)
  redis.call('ZADD', key, at_s, raw)
  if at_s % {TRIM_EVERY_S} == 0 or redis.call('ZCARD', key) == 1 then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', at_s - {KEPT_S} - 1)
    redis.call('EXPIRE', key, {KEPT_S})
    redis.call('SADD', members, member)
  end
end
"""


def record_keys(keys: Keys, rollup: RollUp) -> list[str]:
    """The keys that RECORD's function takes first."""
    return [keys.metrics(rollup.service, rollup.replica_id), keys.metrics_services]


def record_args(rollup: RollUp) -> list[bytes | int | str]:
    """What it takes then."""
    return [encode_rollup(rollup), rollup.at_s, f"{rollup.service}/{rollup.replica_id}"]


class RedisMetricsStore:
    def __init__(self, client: redis.asyncio.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._record = client.register_script(f"{RECORD} record(KEYS[1], KEYS[2], unpack(ARGV))")

    async def record(self, rollup: RollUp) -> None:
        try:
            await self._record(keys=record_keys(self._keys, rollup), args=record_args(rollup))
        except (RedisError, OSError) as exc:
            raise UnavailableError(f"Redis did not take the metrics: {exc}") from exc

    async def window(self, since_s: float) -> list[RollUp]:
        try:
            raw = await self._client.smembers(self._keys.metrics_services)
            members = sorted(m.decode() if isinstance(m, bytes) else m for m in raw)
            async with self._client.pipeline(transaction=False) as pipe:
                for member in members:
                    service, _, replica_id = member.partition("/")
                    pipe.zrangebyscore(self._keys.metrics(service, replica_id), since_s, "+inf")
                answers = await pipe.execute()
            gone = [m for m, rows in zip(members, answers, strict=True) if not rows]
            await self._forget(gone)
        except (RedisError, OSError) as exc:
            raise UnavailableError(f"Redis did not give the metrics: {exc}") from exc
        found = [decode_rollup(row) for rows in answers for row in rows]
        return sorted(found, key=lambda r: r.at_s)

    async def _forget(self, members: list[str]) -> None:
        """Drops processes whose sorted set has expired; a short window may miss live ones."""
        for member in members:
            service, _, replica_id = member.partition("/")
            if not await self._client.exists(self._keys.metrics(service, replica_id)):
                await self._client.srem(self._keys.metrics_services, member)
