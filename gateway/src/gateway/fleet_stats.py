"""Measured figures of the whole fleet: totals of this gateway, windows from the roll-ups."""

from dataclasses import dataclass

from fleetserve.errors import UnavailableError
from fleetserve.metrics.base import MetricsStore
from fleetserve.metrics.histogram import LatencyHistogram
from fleetserve.metrics.rollup import RollUp
from fleetserve.runtime import ServiceRuntime
from gateway.replica_table import ReplicaTable
from gateway.waiting_room import WaitingRoom

SERVICE = "gateway"
# A process that has pushed nothing for so long is gone, and so is its memory.
GONE_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class Totals:
    """Since this gateway started; seconds are wall time in the gateway.

    ``held`` requests wait here for a replica, ``queued`` inputs at replicas for their model.
    """

    requests: int
    errors: int
    total_s: float
    active: int
    held: int
    queued: int

    @property
    def waiting(self) -> int:
        return self.held + self.queued

    @property
    def average_s(self) -> float:
        return self.total_s / self.requests if self.requests else 0.0


@dataclass(frozen=True, slots=True)
class ModelWindow:
    requests: int
    errors: int
    latency: LatencyHistogram


@dataclass(frozen=True, slots=True)
class FleetWindow:
    """The last ``seconds``; ``degraded`` says why it is this gateway's part only.

    ``memory_mb`` is the resident memory of every process together, ``utilization`` (0 to 1)
    the mean share of time that compute slots were busy, None when no replica told it.
    """

    seconds: int
    models: dict[str, ModelWindow]
    memory_mb: float
    utilization: float | None
    degraded: str = ""

    def latency(self) -> LatencyHistogram:
        merged = LatencyHistogram()
        for window in self.models.values():
            merged.merge(window.latency)
        return merged


class FleetStats:
    def __init__(
        self,
        table: ReplicaTable,
        store: MetricsStore,
        room: WaitingRoom,
        runtime: ServiceRuntime,
    ) -> None:
        self._table = table
        self._store = store
        self._room = room
        self._runtime = runtime

    def totals(self) -> Totals:
        metrics = self._runtime.metrics
        sums = list(metrics.totals.values())
        at_replicas = sum(r.own for r in self._table.all())
        return Totals(
            requests=sum(m.requests for m in sums),
            errors=sum(m.errors for m in sums),
            total_s=sum(m.busy_s for m in sums),
            active=at_replicas,
            held=self._room.held,
            queued=self._queued_at_replicas(),
        )

    def _queued_at_replicas(self) -> int:
        fresh = (r for r in self._table.all() if self._table.is_fresh(r))
        return sum(r.announced.queued for r in fresh)

    async def window(self, seconds: int) -> FleetWindow:
        now_s = self._runtime.clock.now_s()
        try:
            rollups = await self._store.window(now_s - seconds)
        except UnavailableError as exc:
            return FleetWindow(seconds, {}, 0.0, None, degraded=exc.detail)
        models: dict[str, ModelWindow] = {}
        for rollup in rollups:
            if rollup.service == SERVICE:
                _add(models, rollup)
        recent = [r for r in rollups if r.at_s >= now_s - GONE_AFTER_S]
        latest = {(r.service, r.replica_id): r for r in recent}.values()
        busy = [
            r.gauges["compute_utilization"] for r in latest if "compute_utilization" in r.gauges
        ]
        return FleetWindow(
            seconds,
            models,
            memory_mb=round(sum(r.gauges.get("memory_mb", 0.0) for r in latest), 1),
            utilization=round(sum(busy) / len(busy), 4) if busy else None,
        )


def _add(models: dict[str, ModelWindow], rollup: RollUp) -> None:
    for name, second in rollup.models.items():
        before = models.get(name) or ModelWindow(0, 0, LatencyHistogram())
        before.latency.merge(second.histogram())
        models[name] = ModelWindow(
            before.requests + second.requests, before.errors + second.errors, before.latency
        )
