"""Decisions in a list that is cut at its end."""

import contextlib

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from autoscaler_svc.journal.base import KEPT, Entry
from autoscaler_svc.redis_keys import ScalerKeys
from fleetserve.errors import UnavailableError

_decode = msgspec.json.Decoder(Entry).decode


class RedisJournal:
    def __init__(self, client: redis.asyncio.Redis, keys: ScalerKeys) -> None:
        self._client = client
        self._key = keys.journal

    async def write(self, entry: Entry) -> None:
        try:
            async with self._client.pipeline(transaction=True) as pipe:
                pipe.lpush(self._key, msgspec.json.encode(entry))
                pipe.ltrim(self._key, 0, KEPT - 1)
                await pipe.execute()
        except (RedisError, OSError) as exc:
            raise _away(exc) from exc

    async def read(self, limit: int) -> list[Entry]:
        try:
            raws = await self._client.lrange(self._key, 0, limit - 1)
        except (RedisError, OSError) as exc:
            raise _away(exc) from exc
        found = []
        for raw in raws:
            # Another version's entry is passed over.
            with contextlib.suppress(msgspec.DecodeError):
                found.append(_decode(raw))
        return found


def _away(exc: Exception) -> UnavailableError:
    return UnavailableError(
        f"Decisions can't be read or kept while Redis is away: {exc}", code="redis_unavailable"
    )
