"""Whoever tells a Directory of the fleet, by Redis or in memory."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import redis.asyncio
from prometheus_client import CollectorRegistry

from fleetserve.announcements import Announcement, Announcer, ReplicaState
from fleetserve.clock import SystemClock
from fleetserve.heartbeat import Heartbeat
from fleetserve.keys import Keys
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.model_records import ModelRecord, ModelState, encode_record
from fleetserve.redis_client import make_redis
from gateway.directory.base import Directory
from gateway.directory.memory import MemoryDirectory
from gateway.directory.redis import RedisDirectory
from gateway.known_models import KnownModels
from gateway.replica_table import ReplicaTable
from tests.redis_server import RedisServer

KEYS = Keys("fleet-a")
PATIENCE_S = 10.0
GATEWAY = Announcement("gateway", "g1", "http://g1", "b", ReplicaState.READY)


async def until(met: Callable[[], bool]) -> None:
    """Returns once it holds. Raises: TimeoutError."""
    async with asyncio.timeout(PATIENCE_S):
        while not met():  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.005)


class SkewedClock(SystemClock):
    """The system's clock, moved on as far as the test likes."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


class Teller(Protocol):
    """Tells ``directory``, which feeds ``table`` and ``models``."""

    directory: Directory
    table: ReplicaTable
    models: KnownModels

    async def announce(self, announcement: Announcement) -> None: ...

    async def record(self, record: ModelRecord) -> None: ...

    async def lose(self) -> None:
        """The source goes away."""
        ...

    async def find(self) -> None:
        """The source is back."""
        ...


class MemoryTeller:
    def __init__(self) -> None:
        self.table = ReplicaTable(SystemClock())
        self.models = KnownModels()
        self._memory = MemoryDirectory(self.table, self.models)
        self.directory: Directory = self._memory

    async def announce(self, announcement: Announcement) -> None:
        self._memory.announce(announcement)

    async def record(self, record: ModelRecord) -> None:
        self._memory.record(record)

    async def lose(self) -> None:
        self._memory.lose("told so")

    async def find(self) -> None:
        self._memory.find()


class RedisTeller:
    """Writes as announcers and the registry do; the gateway's own voice is heard each second."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.clock = SkewedClock()
        self.table = ReplicaTable(self.clock)
        self.models = KnownModels()
        self.client: redis.asyncio.Redis = make_redis(server.url)
        self._listening: redis.asyncio.Redis = make_redis(server.url)
        self.directory: Directory = RedisDirectory(
            self._listening, KEYS, self.table, self.models, self.clock
        )
        own_voice = Heartbeat(
            self.client,
            KEYS,
            lambda: GATEWAY,
            RequestMetrics(GATEWAY.service, GATEWAY.replica_id, CollectorRegistry()),
            self.clock,
            [],
        )
        self._tasks = [
            asyncio.ensure_future(own_voice.run()),
            asyncio.ensure_future(self.directory.run()),
        ]

    async def announce(self, announcement: Announcement) -> None:
        await Announcer(self.client, KEYS, lambda: announcement).announce_now()

    async def record(self, record: ModelRecord) -> None:
        await self.write(record)
        await self.client.publish(KEYS.models_channel, encode_record(record))

    async def write(self, record: ModelRecord) -> None:
        """Into the hash, untold."""
        if record.state is ModelState.DELETED:
            await self.client.hdel(KEYS.models, record.name)
        else:
            await self.client.hset(KEYS.models, record.name, encode_record(record))

    async def lose(self) -> None:
        self.server.stop()

    async def find(self) -> None:
        self.server.start()

    async def close(self) -> None:
        pending = set(self._tasks)
        while pending:
            # redis-py sends by wait_for, which in Python 3.11 can swallow a cancellation.
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=0.1)
        await self.client.aclose()
        await self._listening.aclose()
