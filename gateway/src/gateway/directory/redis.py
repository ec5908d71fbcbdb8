"""The fleet as Redis tells it: keys with a TTL at first, pub/sub from then on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

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
# hung: a hung Redis closes no connection.
SILENCE_S = 2.5
RETRY_S = 0.5
RESCAN_S = 10.0


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
            try:
                async with self._subscription() as pubsub:
                    await self._load()
                    self._here()
                    await self._listen(pubsub)
            except (RedisError, OSError, TimeoutError) as exc:
                self._gone(str(exc) or "Redis does not answer")
            await self._clock.sleep(RETRY_S)

    @contextlib.asynccontextmanager
    async def _subscription(self) -> AsyncIterator[Any]:
        pubsub: Any = self._client.pubsub()
        try:
            channels = (self._keys.announcements_channel, self._keys.models_channel)
            await asyncio.wait_for(pubsub.subscribe(*channels), 2.0)
            yield pubsub
        finally:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await asyncio.wait_for(pubsub.aclose(), 1.0)

    async def _load(self) -> None:
        """Everything that stands in Redis now."""
        async with asyncio.timeout(3.0):
            raw_models = await self._client.hgetall(self._keys.models)
            names = [k async for k in self._client.scan_iter(self._keys.announcement_pattern)]
            values = await self._client.mget(names) if names else []
        self._models.replace(decode_record(raw) for raw in raw_models.values())
        for raw in values:
            if raw is not None:
                self._table.update(decode_announcement(raw))
        self._table.notify()

    async def _listen(self, pubsub: Any) -> None:
        """Takes messages in until the channel falls silent."""
        rescan_s = self._clock.monotonic_s() + RESCAN_S
        while True:
            message = await asyncio.wait_for(pubsub.get_message(timeout=SILENCE_S), SILENCE_S + 1)
            if message is None:
                raise TimeoutError("Redis is connected but silent")
            if message["type"] == "message":
                self._take(message["channel"].decode(), message["data"])
            if self._clock.monotonic_s() > rescan_s:
                await self._load()
                rescan_s = self._clock.monotonic_s() + RESCAN_S

    def _take(self, channel: str, raw: bytes) -> None:
        try:
            if channel == self._keys.models_channel:
                self._models.put(decode_record(raw))
                self._table.notify()
            else:
                self._table.update(decode_announcement(raw))
        except msgspec.MsgspecError as exc:
            log.warning("announcement.unreadable", error=str(exc))

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
