"""Roll-ups in Redis: a sorted set by second for each process."""

import redis.asyncio
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.metrics.base import KEPT_S
from fleetserve.metrics.rollup import RollUp, decode_rollup, encode_rollup

# How often the set of a process is trimmed, named and given its time to live again.
TRIM_EVERY_S = 30


class RedisMetricsStore:
    def __init__(self, client: redis.asyncio.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._last_s: dict[str, int] = {}
        self._trimmed_s: dict[str, int] = {}

    async def record(self, rollup: RollUp) -> None:
        try:
            async with self._client.pipeline(transaction=True) as pipe:
                self.write(pipe, rollup)
                await pipe.execute()
        except (RedisError, OSError) as exc:
            self.lost()
            raise UnavailableError(f"Redis did not take the metrics: {exc}") from exc

    def write(self, pipe: Pipeline, rollup: RollUp) -> None:
        """Adds what records a roll-up to an exchange with Redis; ``lost`` says that it failed."""
        key, at_s = self._keys.metrics(rollup.service, rollup.replica_id), rollup.at_s
        if at_s == self._last_s.get(key):
            pipe.zremrangebyscore(key, at_s, at_s)
        self._last_s[key] = at_s
        pipe.zadd(key, {encode_rollup(rollup): at_s})
        if at_s >= self._trimmed_s.get(key, 0) + TRIM_EVERY_S:
            self._trimmed_s[key] = at_s
            pipe.sadd(self._keys.metrics_services, f"{rollup.service}/{rollup.replica_id}")
            pipe.zremrangebyscore(key, "-inf", at_s - KEPT_S - 1)
            pipe.expire(key, KEPT_S)

    def lost(self) -> None:
        """What was written did not arrive, and a Redis that comes back may know nothing."""
        self._trimmed_s.clear()

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
