import asyncio
from collections import deque
from collections.abc import AsyncIterator
from time import monotonic

import pytest
import redis.asyncio
from prometheus_client import CollectorRegistry

from fleetserve.announcements import TTL_S, Announcement, ReplicaState, decode_announcement
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
            client, KEYS, lambda: TOLD, self.metrics, self.clock, self.history
        )


@pytest.fixture
async def client(redis_server: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    client = make_redis(redis_server.url, timeout_s=0.2)
    yield client
    await client.aclose()


@pytest.fixture
def process(client: redis.asyncio.Redis) -> Process:
    return Process(client)


async def test_it_is_announced_each_second_with_what_the_second_was(
    process: Process, client: redis.asyncio.Redis
) -> None:
    async with client.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(KEYS.announcements_channel)
        running = asyncio.ensure_future(process.heartbeat.run())
        for expected in ([(100, 0)], [(100, 0), (101, 1)]):
            async with asyncio.timeout(5):
                while (message := await heard.get_message(timeout=1.0)) is None:
                    continue
            assert decode_announcement(message["data"]) == TOLD
            rollups = await process.store.window(0)
            assert [(r.at_s, len(r.models)) for r in rollups] == expected
            process.metrics.record("/predict", 200, 0.1, "example")
            await process.clock.advance(1.0)
        running.cancel()


async def test_what_is_told_runs_out_when_the_heart_stops(
    process: Process, client: redis.asyncio.Redis
) -> None:
    await process.heartbeat.beat()
    assert 0 < await client.pttl(KEYS.announcement("gateway", "g1")) <= TTL_S * 1000


@pytest.mark.parametrize("fault", ["stop", "hang"])
async def test_redis_away_costs_no_error_and_little_time(
    process: Process, redis_server: RedisServer, fault: str
) -> None:
    getattr(redis_server, fault)()
    begin_s = monotonic()
    await process.heartbeat.beat()
    assert monotonic() - begin_s < 1.0


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
