import pytest
from prometheus_client import CollectorRegistry, generate_latest

from fleetserve.metrics.requests import RequestMetrics


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> RequestMetrics:
    return RequestMetrics("gateway", "g1", registry)


def test_requests_are_counted_by_route_and_status(
    metrics: RequestMetrics, registry: CollectorRegistry
) -> None:
    for status in (200, 200, 503):
        metrics.record("/predict", status, 0.01)
    labels = {"route": "/predict", "status": "200"}
    assert registry.get_sample_value("fleetserve_requests_total", labels) == 2
    labels["status"] = "503"
    assert registry.get_sample_value("fleetserve_requests_total", labels) == 1


def test_times_are_a_histogram_in_seconds(
    metrics: RequestMetrics, registry: CollectorRegistry
) -> None:
    for seconds in (0.002, 0.002, 7.0):
        metrics.record("/predict", 200, seconds)
    name, route = "fleetserve_request_seconds", {"route": "/predict"}
    assert registry.get_sample_value(f"{name}_bucket", {**route, "le": "0.0025"}) == 2
    assert registry.get_sample_value(f"{name}_bucket", {**route, "le": "+Inf"}) == 3
    assert registry.get_sample_value(f"{name}_sum", route) == pytest.approx(7.004)


def test_gauges_and_counters_are_exposed(
    metrics: RequestMetrics, registry: CollectorRegistry
) -> None:
    metrics.in_flight = 3
    metrics.gauges["queue_depth"] = 5
    metrics.count("upstream_retries")
    metrics.count("upstream_retries", 2)
    assert registry.get_sample_value("fleetserve_in_flight") == 3
    assert registry.get_sample_value("fleetserve_queue_depth") == 5
    assert registry.get_sample_value("fleetserve_upstream_retries_total") == 3


def test_exposition_can_be_read_by_prometheus(
    metrics: RequestMetrics, registry: CollectorRegistry
) -> None:
    metrics.record("/predict", 200, 0.01)
    assert b"# TYPE fleetserve_request_seconds histogram" in generate_latest(registry)


def test_rollup_has_each_model_since_the_last_one(metrics: RequestMetrics) -> None:
    metrics.record("/predict", 200, 0.25, "example")
    metrics.record("/predict", 500, 0.25, "example")
    metrics.record("/predict", 404, 0.25, "other")
    metrics.record("/health", 200, 0.25)
    first = metrics.roll_up(17)
    assert (first.at_s, first.service, first.replica_id) == (17, "gateway", "g1")
    assert set(first.models) == {"example", "other"}
    assert first.models["example"].requests == 2
    assert first.models["example"].errors == 1
    assert first.models["example"].busy_s == 0.5
    assert first.models["other"].errors == 0
    assert metrics.roll_up(18).models == {}


def test_rollup_has_counters_since_the_last_one_and_gauges_as_they_are(
    metrics: RequestMetrics,
) -> None:
    metrics.count("shed", 2)
    metrics.gauges["held"] = 4
    metrics.in_flight = 1
    first, second = metrics.roll_up(17), metrics.roll_up(18)
    assert (first.counters, second.counters) == ({"shed": 2}, {})
    assert first.gauges == second.gauges == {"in_flight": 1, "held": 4}


def test_totals_go_on_over_the_seconds(metrics: RequestMetrics) -> None:
    for second in range(3):
        metrics.record("/predict", 200, 0.5, "example")
        metrics.roll_up(second)
    assert metrics.totals["example"].requests == 3
    assert metrics.totals["example"].busy_s == 1.5


def test_rollup_has_the_most_that_were_in_flight(metrics: RequestMetrics) -> None:
    metrics.in_flight += 2
    metrics.in_flight -= 1
    assert metrics.roll_up(17).gauges["in_flight"] == 2.0
    assert metrics.roll_up(18).gauges["in_flight"] == 1.0


def test_rollup_has_calls_for_no_model_but_not_the_fleets_own_looks(
    metrics: RequestMetrics,
) -> None:
    metrics.record("/auth/login", 200, 0.1)
    metrics.record("/auth/login", 500, 0.3)
    metrics.record("/predict", 200, 0.1, "example")
    metrics.record("/dashboard-data", 200, 0.1)
    calls = metrics.roll_up(17).calls
    assert (calls.requests, calls.errors) == (2, 1)
    assert calls.busy_s == pytest.approx(0.4)
    assert metrics.roll_up(18).calls.requests == 0
