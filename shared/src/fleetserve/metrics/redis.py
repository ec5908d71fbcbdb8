"""Roll-ups in Redis: a sorted set by second for each process."""

import redis.asyncio
from redis.exceptions import RedisError

from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.metrics.base import KEPT_S
from fleetserve.metrics.rollup import RollUp, decode_rollup, encode_rollup


class RedisMetricsStore:
    def __init__(self, client: redis.asyncio.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def record(self, rollup: RollUp) -> None:
        key = self._keys.metrics(rollup.service, rollup.replica_id)
        try:
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.sadd(self._keys.metrics_services, f"{rollup.service}/{rollup.replica_id}")
                pipe.zremrangebyscore(key, rollup.at_s, rollup.at_s)
                pipe.zadd(key, {encode_rollup(rollup): rollup.at_s})
                pipe.zremrangebyscore(key, "-inf", rollup.at_s - KEPT_S - 1)
                pipe.expire(key, KEPT_S)
                await pipe.execute()
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
