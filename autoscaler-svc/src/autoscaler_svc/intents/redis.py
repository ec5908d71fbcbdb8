"""What people asked for, in two hashes."""

import contextlib
from collections.abc import Iterator

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from autoscaler_svc.intents.base import Floor
from autoscaler_svc.redis_keys import ScalerKeys
from fleetserve.errors import UnavailableError

# KEYS[1] the hash, ARGV target and scaling id: a newer floor is not dropped for an older one.
_DROP = """
local found = redis.call('hget', KEYS[1], ARGV[1])
if found and cjson.decode(found)['scaling_id'] == ARGV[2] then
  return redis.call('hdel', KEYS[1], ARGV[1])
end
return 0
"""

_decode_floor = msgspec.json.Decoder(Floor).decode


class RedisIntents:
    def __init__(self, client: redis.asyncio.Redis, keys: ScalerKeys) -> None:
        self._client = client
        self._floors = keys.floors
        self._overrides = keys.overrides

    async def floors(self) -> dict[str, Floor]:
        with _translated():
            raw = await self._client.hgetall(self._floors)
        found = {}
        for value in raw.values():
            with contextlib.suppress(msgspec.DecodeError):
                floor = _decode_floor(value)
                found[floor.target] = floor
        return found

    async def put_floor(self, floor: Floor) -> None:
        with _translated():
            raw = msgspec.json.encode(floor)
            await self._client.hset(self._floors, floor.target, raw)

    async def drop_floor(self, target: str, scaling_id: str) -> None:
        with _translated():
            await self._client.eval(_DROP, 1, self._floors, target, scaling_id)

    async def overrides(self) -> dict[str, object]:
        with _translated():
            raw = await self._client.hgetall(self._overrides)
        return {_text(key): msgspec.json.decode(value) for key, value in raw.items()}

    async def put_overrides(self, values: dict[str, object | None]) -> None:
        with _translated():
            async with self._client.pipeline(transaction=True) as pipe:
                for key, value in values.items():
                    if value is None:
                        pipe.hdel(self._overrides, key)
                    else:
                        pipe.hset(self._overrides, key, msgspec.json.encode(value))
                await pipe.execute()

    async def clear_floors(self) -> None:
        with _translated():
            await self._client.delete(self._floors)


def _text(value: bytes | str) -> str:
    """redis-py's types allow for a client that decodes; the fleet's does not."""
    return value.decode() if isinstance(value, bytes) else value


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as exc:
        raise UnavailableError(
            f"What was asked for can't be read or kept while Redis is away: {exc}",
            code="redis_unavailable",
        ) from exc
