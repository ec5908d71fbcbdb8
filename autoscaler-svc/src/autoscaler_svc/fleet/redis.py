"""The fleet as Redis tells it."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from autoscaler_svc.fleet.base import Sight
from fleetserve.announcements import decode_announcement
from fleetserve.built_in import SPEECH_MODELS
from fleetserve.clock import Clock
from fleetserve.demand import decode_demand
from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.metrics.redis import RedisMetricsStore
from fleetserve.model_policies import ModelPolicy, decode_policies
from fleetserve.model_records import ModelRecord, decode_record

MEMORY_WINDOW_S = 10.0
T = TypeVar("T")


# The names of a pattern's keys and their values, in one exchange: this is asked for each second.
LOOK = """
local names, values, cursor = {}, {}, '0'
repeat
  local step = redis.call('SCAN', cursor, 'MATCH', ARGV[1], 'COUNT', 1000)
  cursor = step[1]
  if #step[2] > 0 then
    for _, value in ipairs(redis.call('MGET', unpack(step[2]))) do values[#values + 1] = value end
    for _, name in ipairs(step[2]) do names[#names + 1] = name end
  end
until cursor == '0'
return {names, values}
"""


class RedisFleet:
    """One exchange with Redis for each look."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys, clock: Clock) -> None:
        self._client = client
        self._look = client.register_script(LOOK)
        self._keys = keys
        self._clock = clock
        self._demands = keys.demand("").encode()
        self._rollups = RedisMetricsStore(client, keys)

    async def look(self) -> Sight:
        with _translated():
            # One walk for both kinds of keys.
            names, values = await self._look(args=[f"{self._keys.prefix}:[ad]*:*"])
        announced, told = [], []
        pattern = self._keys.announcement_pattern[:-1].encode()
        for name, raw in zip(names, values, strict=True):
            if name.startswith(self._demands):
                told.append(raw)
            elif name.startswith(pattern):
                announced.append(raw)
        return Sight(
            tuple(_readable(announced, decode_announcement)),
            tuple(_readable(told, decode_demand)),
        )

    async def models(self) -> dict[str, ModelRecord]:
        with _translated():
            raw = await self._client.hgetall(self._keys.models)
        told = _readable(raw.values(), decode_record)
        return {record.name: record for record in (*SPEECH_MODELS, *told)}

    async def policies(self) -> dict[str, ModelPolicy]:
        with _translated():
            raw = await self._client.hgetall(self._keys.policies)
        return decode_policies(raw.values())

    async def memory_mb(self, service: str) -> float | None:
        rollups = await self._rollups.window(self._clock.now_s() - MEMORY_WINDOW_S)
        told = [
            rollup.gauges["memory_mb"]
            for rollup in rollups
            if rollup.service == service and "memory_mb" in rollup.gauges
        ]
        return max(told, default=None)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as exc:
        raise UnavailableError(
            f"The fleet can't be heard while Redis is away: {exc}", code="redis_unavailable"
        ) from exc


def _readable(
    raws: Iterable[bytes | str | None], decode: Callable[[bytes | str], T]
) -> Iterator[T]:
    """What can be read; another version's word, or none, must not make the leader deaf."""
    for raw in raws:
        if raw is not None:
            with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                yield decode(raw)
