"""Prometheus metrics of every process of the fleet, in one page."""

import asyncio
from collections.abc import Iterator

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from fleetserve.errors import UnavailableError
from fleetserve.runtime import ServiceRuntime
from gateway.jobs.gauge import JobGauge, prometheus_text
from gateway.replica_table import Replica, ReplicaTable
from gateway.service_calls import ServiceCalls

log = structlog.get_logger(__name__)

TIMEOUT_S = 2.0


class _Merged(Collector):
    """Families of several processes, told apart by the labels ``service`` and ``replica``."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {}

    def add(self, text: str, service: str, replica: str) -> None:
        labels = {"service": service, "replica": replica}
        for family in text_string_to_metric_families(text):
            known = self._families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            known.samples += [
                sample._replace(labels={**sample.labels, **labels}) for sample in family.samples
            ]

    def collect(self) -> Iterator[Metric]:
        yield from self._families.values()


class FleetMetrics:
    def __init__(
        self,
        table: ReplicaTable,
        calls: ServiceCalls,
        jobs: JobGauge,
        runtime: ServiceRuntime,
    ) -> None:
        self._jobs = jobs
        self._table = table
        self._calls = calls
        self._runtime = runtime

    async def page(self) -> bytes:
        """Everybody who answers within TIMEOUT_S; ``fleetserve_up`` tells who did not."""
        merged = _Merged()
        settings = self._runtime.settings
        own = _up(1) + generate_latest(self._runtime.registry).decode()
        own += prometheus_text(await self._jobs.depth())
        merged.add(own, settings.service, settings.replica_id)
        replicas = [r for r in self._table.all() if r.id != settings.replica_id]
        pages = await asyncio.gather(*(self._fetch(r) for r in replicas))
        for replica, page in zip(replicas, pages, strict=True):
            # A worker without an address has no page; that it is heard is all there is to know.
            answers = page is not None or (not replica.address and self._table.is_fresh(replica))
            merged.add(_up(int(answers)) + (page or ""), replica.announced.service, replica.id)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(merged)
        return generate_latest(registry)

    async def _fetch(self, replica: Replica) -> str | None:
        if not replica.address:
            return None
        try:
            status, content = await self._calls.get(replica, "/metrics", TIMEOUT_S)
        except UnavailableError as exc:
            log.info("metrics.missing", upstream=replica.id, reason=exc.detail)
            return None
        return content.decode() if status == 200 else None


def _up(value: int) -> str:
    return f"# TYPE fleetserve_up gauge\nfleetserve_up {value}\n"
