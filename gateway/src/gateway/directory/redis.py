"""The fleet as Redis tells it: keys with a TTL at first, pub/sub from then on."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
import redis.asyncio
import structlog
from redis.exceptions import RedisError

from fleetserve.announcements import TTL_S, decode_announcement
from fleetserve.clock import Clock
from fleetserve.keys import Keys
from fleetserve.model_records import decode_record
from gateway.known_models import KnownModels
from gateway.replica_table import ReplicaTable

log = structlog.get_logger(__name__)

# This gateway announces itself each second, so its own voice missing means Redis is away or
# hung: a hung Redis closes no connection. The table has to be frozen before the first replica's
# last word is too old to count (STALE_S), and that may be a second older than the silence.
SILENCE_S = 2.0
RETRY_S = 0.5
RESCAN_S = 10.0

T = TypeVar("T")


class RedisDirectory:
    def __init__(
        self,
        client: redis.asyncio.Redis,
        keys: Keys,
        table: ReplicaTable,
        models: KnownModels,
        clock: Clock,
    ) -> None:
        self._client = client
        self._keys = keys
        self._table = table
        self._models = models
        self._clock = clock
        self._away = "Redis has not been heard yet"

    @property
    def away_reason(self) -> str:
        return self._away

    async def run(self) -> None:
        while True:
            pubsub: Any = self._client.pubsub()
            try:
                await self._follow(pubsub)
            except (RedisError, OSError, TimeoutError) as exc:
                self._gone(str(exc) or "Redis does not answer")
            finally:
                with contextlib.suppress(RedisError, OSError, TimeoutError):
                    async with asyncio.timeout(1.0):
                        await pubsub.aclose()
            await self._clock.sleep(RETRY_S)

    async def _follow(self, pubsub: Any) -> None:
        channels = (self._keys.announcements_channel, self._keys.models_channel)
        async with asyncio.timeout(2.0):
            await pubsub.subscribe(*channels)
        await self._load()
        self._here()
        await self._listen(pubsub)

    async def _load(self) -> None:
        """Everything that stands in Redis now."""
        pattern = self._keys.announcement_pattern
        async with asyncio.timeout(3.0):
            names = [name async for name in self._client.scan_iter(pattern, count=1000)]
            values = await self._client.mget(names) if names else []
        await self._load_models()
        for announcement in _readable(values, decode_announcement):
            self._table.update(announcement)

    async def _load_models(self) -> None:
        raw = await self._client.hgetall(self._keys.models)
        records = list(_readable(raw.values(), decode_record))
        # A Redis that lost its memory knows of no models; what was known is better than nothing.
        if records:
            self._models.replace(records)
            self._table.notify()

    async def _listen(self, pubsub: Any) -> None:
        """Takes messages in until the channel falls silent.

        Processes announce themselves each second, but a model's record comes once, so those are
        read again now and then.
        """
        rescan_s = self._clock.monotonic_s() + RESCAN_S
        while True:
            async with asyncio.timeout(SILENCE_S + 0.2):
                message = await pubsub.get_message(timeout=SILENCE_S)
            if message is None:
                raise TimeoutError("Redis is connected but silent")
            if message["type"] == "message":
                self._take(message["channel"].decode(), message["data"])
            if self._clock.monotonic_s() > rescan_s:
                await self._load_models()
                rescan_s = self._clock.monotonic_s() + RESCAN_S

    def _take(self, channel: str, raw: bytes) -> None:
        if channel == self._keys.models_channel:
            for record in _readable([raw], decode_record):
                if self._models.put(record):
                    self._table.notify()
        else:
            for announcement in _readable([raw], decode_announcement):
                self._table.update(announcement)

    def _here(self) -> None:
        if self._away:
            log.info("redis.heard")
        self._away = ""
        self._table.thaw(TTL_S)

    def _gone(self, reason: str) -> None:
        if not self._away:
            log.warning("redis.lost", reason=reason)
        self._away = reason
        self._table.freeze()


def _readable(
    raws: Iterable[bytes | str | None], decode: Callable[[bytes | str], T]
) -> Iterable[T]:
    """What can be read; another version's word, or none, must not make the gateway deaf."""
    for raw in raws:
        if raw is None:
            continue
        try:
            yield decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            log.warning("announcement.unreadable", error=str(exc))
