"""Counts and times of requests: cheap to record, read by Prometheus and by the roll-up."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from fleetserve.metrics.histogram import LatencyHistogram
from fleetserve.metrics.rollup import ModelRollUp, RollUp

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


# How the fleet looks at itself is no work of a process.
WATCHING = frozenset(
    ("/health", "/health/live", "/health/ready", "/metrics", "/dashboard-data", "/internal/status")
)


class _ModelSecond:
    __slots__ = ("errors", "latency")

    def __init__(self) -> None:
        self.errors = 0
        self.latency = LatencyHistogram()

    def rolled_up(self) -> ModelRollUp:
        latency = self.latency
        return ModelRollUp(latency.total, self.errors, latency.total_s, latency.counts)


class RequestMetrics(Collector):
    """One process's requests. Recording costs about 1 µs; for one thread (the event loop).

    prometheus-client's own counters take a lock and a label look-up per call, so the sums are
    kept here and handed over when they are asked for.
    """

    def __init__(self, service: str, replica_id: str, registry: CollectorRegistry) -> None:
        self._service = service
        self._replica_id = replica_id
        self._in_flight = 0
        self._most_in_flight = 0
        self.gauges: dict[str, float] = {}
        self._counts: dict[tuple[str, int], int] = {}
        self._latency: dict[str, LatencyHistogram] = {}
        self._models: dict[str, _ModelSecond] = {}
        self._calls = _ModelSecond()
        self.totals: dict[str, ModelRollUp] = {}
        self._counters: dict[str, float] = {}
        self._second_counters: dict[str, float] = {}
        registry.register(self)

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @in_flight.setter
    def in_flight(self, number: int) -> None:
        self._in_flight = number
        if number > self._most_in_flight:
            self._most_in_flight = number

    def record(self, route: str, status: int, seconds: float, model: str = "") -> None:
        """One finished request; ``route`` is a template, never a raw path."""
        key = (route, status)
        self._counts[key] = self._counts.get(key, 0) + 1
        latency = self._latency.get(route)
        if latency is None:
            latency = self._latency[route] = LatencyHistogram()
        latency.record(seconds)
        if model:
            self._record_model(model, status, seconds)
        elif route not in WATCHING:
            self._calls.errors += status >= 500
            self._calls.latency.record(seconds)

    def _record_model(self, model: str, status: int, seconds: float) -> None:
        second = self._models.get(model)
        if second is None:
            second = self._models[model] = _ModelSecond()
        second.errors += status >= 500
        second.latency.record(seconds)

    def count(self, name: str, amount: float = 1.0) -> None:
        """Adds to a free counter, such as ``upstream_retries``."""
        self._counters[name] = self._counters.get(name, 0.0) + amount
        self._second_counters[name] = self._second_counters.get(name, 0.0) + amount

    def roll_up(self, at_s: int) -> RollUp:
        """What happened since the last call; each call starts a new second."""
        seconds, self._models = self._models, {}
        models = {name: second.rolled_up() for name, second in seconds.items()}
        counters, self._second_counters = self._second_counters, {}
        calls, self._calls = self._calls.rolled_up(), _ModelSecond()
        most, self._most_in_flight = self._most_in_flight, self._in_flight
        for name, second in models.items():
            self._add_total(name, second)
        gauges = {"in_flight": float(most), **self.gauges}
        return RollUp(at_s, self._service, self._replica_id, models, gauges, counters, calls)

    def _add_total(self, name: str, second: ModelRollUp) -> None:
        total = self.totals.setdefault(name, ModelRollUp())
        total.requests += second.requests
        total.errors += second.errors
        total.busy_s += second.busy_s

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            "fleetserve_requests", "Requests by route and status.", labels=["route", "status"]
        )
        for (route, status), count in self._counts.items():
            requests.add_metric([route, str(status)], count)
        yield requests
        seconds = HistogramMetricFamily(
            "fleetserve_request_seconds", "Seconds per request.", labels=["route"]
        )
        for route, latency in self._latency.items():
            buckets = [(str(b), float(latency.at_most(b))) for b in BOUNDS_S]
            buckets.append(("+Inf", float(latency.total)))
            seconds.add_metric([route], buckets, latency.total_s)
        yield seconds
        yield GaugeMetricFamily("fleetserve_in_flight", "Requests now.", self.in_flight)
        for name, value in self.gauges.items():
            yield GaugeMetricFamily(f"fleetserve_{name}", name.replace("_", " "), value)
        for name, value in self._counters.items():
            yield CounterMetricFamily(f"fleetserve_{name}", name.replace("_", " "), value)
