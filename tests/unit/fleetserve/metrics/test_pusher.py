import asyncio
from collections import deque

import pytest
from prometheus_client import CollectorRegistry

from fleetserve.clock import ManualClock
from fleetserve.errors import UnavailableError
from fleetserve.metrics.memory import MemoryMetricsStore
from fleetserve.metrics.pusher import MetricsPusher, memory_mb
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.metrics.rollup import RollUp


class FlakyStore(MemoryMetricsStore):
    """Refuses while told to."""

    away = False

    async def record(self, rollup: RollUp) -> None:
        if self.away:
            raise UnavailableError("Redis is away.")
        await super().record(rollup)


@pytest.fixture
def metrics() -> RequestMetrics:
    return RequestMetrics("gateway", "g1", CollectorRegistry())


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore()


async def test_each_second_is_pushed_once(metrics: RequestMetrics, store: FlakyStore) -> None:
    clock = ManualClock(100.0)
    running = asyncio.ensure_future(MetricsPusher(metrics, store, clock, []).run())
    metrics.record("/predict", 200, 0.1, "example")
    await clock.advance(3.5)
    running.cancel()
    rollups = await store.window(0)
    assert [r.at_s for r in rollups] == [101, 102, 103]
    assert [len(r.models) for r in rollups] == [1, 0, 0]


async def test_what_the_store_refuses_is_lost_and_the_next_second_is_pushed(
    metrics: RequestMetrics, store: FlakyStore
) -> None:
    clock = ManualClock(100.0)
    pusher = MetricsPusher(metrics, store, clock, [])
    store.away = True
    await pusher.push()
    store.away = False
    clock.move(1.0)
    await pusher.push()
    assert [r.at_s for r in await store.window(0)] == [101]


async def test_history_has_every_second_also_those_the_store_refused(
    metrics: RequestMetrics, store: FlakyStore
) -> None:
    clock, history = ManualClock(100.0), deque[RollUp](maxlen=2)
    pusher = MetricsPusher(metrics, store, clock, history)
    store.away = True
    for _ in range(3):
        await pusher.push()
        clock.move(1.0)
    assert [r.at_s for r in history] == [101, 102]


async def test_memory_is_a_gauge(metrics: RequestMetrics, store: FlakyStore) -> None:
    await MetricsPusher(metrics, store, ManualClock(100.0), []).push()
    (rollup,) = await store.window(0)
    assert rollup.gauges["memory_mb"] == pytest.approx(memory_mb(), rel=0.2)


def test_memory_of_a_python_process_is_plausible() -> None:
    assert 5 < memory_mb() < 20_000
