import pytest

from fleetserve.errors import UnavailableError
from fleetserve.metrics.base import MetricsStore
from fleetserve.metrics.histogram import LatencyHistogram
from fleetserve.metrics.memory import MemoryMetricsStore
from fleetserve.metrics.rollup import ModelRollUp, RollUp
from gateway.fleet_stats import FleetStats
from tests.unit.gateway.fleet import Fleet, announced, answering

NOW_S = 1000


class Away(MemoryMetricsStore):
    async def window(self, since_s: float) -> list[RollUp]:
        raise UnavailableError("Redis did not give the metrics")


@pytest.fixture
def store() -> MemoryMetricsStore:
    return MemoryMetricsStore()


def make_stats(fleet: Fleet, store: MetricsStore) -> FleetStats:
    return FleetStats(fleet.table, store, fleet.room, fleet.runtime)


def model(*seconds: float, errors: int = 0) -> ModelRollUp:
    latency = LatencyHistogram()
    for value in seconds:
        latency.record(value)
    return ModelRollUp(latency.total, errors, latency.total_s, latency.counts)


async def test_totals_are_this_gateways_since_its_start(fleet: Fleet) -> None:
    fleet.add(answering(), announced("i1", queued=3))
    metrics = fleet.runtime.metrics
    for seconds, status in [(0.1, 200), (0.3, 500)]:
        metrics.record("/predict", status, seconds, "example")
    metrics.roll_up(1)
    (replica,) = fleet.table.all()
    replica.own = 2
    stats = make_stats(fleet, MemoryMetricsStore())
    with fleet.room.place("m", 0, ""):
        totals = stats.totals()
    assert (totals.requests, totals.errors, totals.active) == (2, 1, 2)
    assert (totals.held, totals.queued, totals.waiting) == (1, 3, 4)
    assert totals.average_s == pytest.approx(0.2)


def test_average_of_no_requests_is_nothing(fleet: Fleet) -> None:
    assert make_stats(fleet, MemoryMetricsStore()).totals().average_s == 0.0


async def test_window_adds_up_seconds_and_gateways_per_model(
    fleet: Fleet, store: MemoryMetricsStore
) -> None:
    await store.record(RollUp(NOW_S - 90, "gateway", "g1", {"a": model(9.0)}))
    await store.record(RollUp(NOW_S - 5, "gateway", "g1", {"a": model(0.1, errors=1)}))
    await store.record(RollUp(NOW_S - 4, "gateway", "g2", {"a": model(0.1), "b": model(0.2)}))
    await store.record(RollUp(NOW_S - 4, "inference-svc", "i1", {"a": model(0.1)}))
    window = await make_stats(fleet, store).window(60)
    assert {n: (m.requests, m.errors) for n, m in window.models.items()} == {
        "a": (2, 1),
        "b": (1, 0),
    }
    assert window.latency().total == 3
    assert window.latency().quantile_s(0.99) == pytest.approx(0.2, rel=0.1)
    assert window.degraded == ""


async def test_memory_and_utilization_are_each_process_s_last(
    fleet: Fleet, store: MemoryMetricsStore
) -> None:
    for at_s, memory_mb, busy in [(NOW_S - 2, 500.0, 0.1), (NOW_S - 1, 100.0, 0.5)]:
        gauges = {"memory_mb": memory_mb, "compute_utilization": busy}
        await store.record(RollUp(at_s, "inference-svc", "i1", gauges=gauges))
    gauges = {"memory_mb": 50.0, "compute_utilization": 1.0}
    await store.record(RollUp(NOW_S - 1, "audio-svc", "a1", gauges=gauges))
    await store.record(RollUp(NOW_S - 1, "gateway", "g1", gauges={"memory_mb": 25.0}))
    window = await make_stats(fleet, store).window(60)
    assert window.memory_mb == 175.0
    assert window.utilization == pytest.approx(0.75)


async def test_process_that_is_gone_uses_no_memory(fleet: Fleet, store: MemoryMetricsStore) -> None:
    await store.record(RollUp(NOW_S - 30, "inference-svc", "dead", gauges={"memory_mb": 500.0}))
    await store.record(RollUp(NOW_S - 1, "inference-svc", "i1", gauges={"memory_mb": 100.0}))
    assert (await make_stats(fleet, store).window(60)).memory_mb == 100.0


async def test_utilization_that_nobody_told_is_not_made_up(
    fleet: Fleet, store: MemoryMetricsStore
) -> None:
    assert (await make_stats(fleet, store).window(60)).utilization is None


async def test_window_without_the_store_says_why_it_is_empty(fleet: Fleet) -> None:
    window = await make_stats(fleet, Away()).window(60)
    assert window.models == {}
    assert "Redis" in window.degraded
