"""The list of jobs in Redis: a sorted set for everybody's, and one for each principal's."""

from typing import Any

import redis

from fleetserve.jobs.ledger.redis import translated
from fleetserve.keys import Keys
from gateway.jobs.index.base import Listed


class RedisIndex:
    """See JobIndex. Places are by Redis's clock.

    Args:
        client: Must fail fast; answers are bytes.
        keys: The jobs' own name space.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._prefix = keys.prefix

    def add(self, principal: str, job_id: str) -> None:
        with translated():
            now: Any = self._client.time()
            place = now[0] * 1_000_000 + now[1]
            with self._client.pipeline(transaction=True) as pipe:
                pipe.zadd(self._everybody, {job_id: place}, nx=True)
                pipe.zadd(self._of(principal), {job_id: place}, nx=True)
                pipe.execute()

    def page(self, principal: str | None, limit: int, before: int | None) -> list[Listed]:
        key = self._everybody if principal is None else self._of(principal)
        highest = "+inf" if before is None else f"({before}"
        with translated():
            found: Any = self._client.zrevrangebyscore(
                key, highest, "-inf", start=0, num=limit, withscores=True
            )
        return [Listed(name.decode(), int(place)) for name, place in found]

    def forget(self, principal: str, job_id: str) -> None:
        with translated(), self._client.pipeline(transaction=True) as pipe:
            pipe.zrem(self._everybody, job_id)
            pipe.zrem(self._of(principal), job_id)
            pipe.execute()

    @property
    def _everybody(self) -> str:
        return f"{self._prefix}:listed"

    def _of(self, principal: str) -> str:
        return f"{self._prefix}:listed:{principal}"
