import asyncio
from collections import deque
from collections.abc import AsyncIterator

import pytest
import redis.asyncio
from prometheus_client import CollectorRegistry

from fleetserve.announcements import Announcement, Announcer, ReplicaState
from fleetserve.clock import ManualClock
from fleetserve.heartbeat import Heartbeat, memory_mb
from fleetserve.keys import Keys
from fleetserve.metrics.redis import RedisMetricsStore
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.metrics.rollup import RollUp
from fleetserve.redis_client import make_redis
from tests.redis_server import RedisServer

KEYS = Keys("fleet-a")
TOLD = Announcement("gateway", "g1", "http://127.0.0.1:1", "b1", ReplicaState.READY)


class Process:
    """A process's metrics, its history and what beats for it."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.clock = ManualClock(100.0)
        self.metrics = RequestMetrics("gateway", "g1", CollectorRegistry())
        self.store = RedisMetricsStore(client, KEYS)
        self.history = deque[RollUp](maxlen=2)
        self.heartbeat = Heartbeat(
            Announcer(client, KEYS, lambda: TOLD),
            self.metrics,
            self.store,
            self.clock,
            self.history,
        )


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    client = make_redis(redis_server.url, timeout_s=0.2)
    yield client
    await client.aclose()


@pytest.fixture
def process(client: redis.asyncio.Redis) -> Process:
    return Process(client)


async def test_it_is_announced_at_once_and_then_each_second_with_its_rollup(
    process: Process, client: redis.asyncio.Redis
) -> None:
    process.metrics.record("/predict", 200, 0.1, "example")
    async with client.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(KEYS.announcements_channel)
        running = asyncio.ensure_future(process.heartbeat.run())
        for beats in range(3):
            async with asyncio.timeout(5):
                while await heard.get_message(timeout=1.0) is None:
                    continue
            rollups = await process.store.window(0)
            assert [(r.at_s, len(r.models)) for r in rollups] == [(101, 1), (102, 0)][:beats]
            await process.clock.advance(1.0)
        running.cancel()


async def test_redis_that_comes_back_empty_knows_the_process_again(
    process: Process, redis_server: RedisServer
) -> None:
    await process.heartbeat.beat()
    redis_server.stop()
    process.clock.move(1.0)
    await process.heartbeat.beat()
    redis_server.start()
    process.clock.move(1.0)
    await process.heartbeat.beat()
    assert [r.at_s for r in await process.store.window(0)] == [102]


async def test_history_has_every_second_also_those_redis_did_not_take(
    process: Process, redis_server: RedisServer
) -> None:
    redis_server.stop()
    for _ in range(3):
        await process.heartbeat.beat()
        process.clock.move(1.0)
    assert [r.at_s for r in process.history] == [101, 102]


async def test_memory_is_a_gauge(process: Process) -> None:
    await process.heartbeat.beat()
    (rollup,) = await process.store.window(0)
    assert rollup.gauges["memory_mb"] == pytest.approx(memory_mb(), rel=0.2)


def test_memory_of_a_python_process_is_plausible() -> None:
    assert 5 < memory_mb() < 20_000
