"""The fleet's dashboard page: everything at a glance, from the roll-ups and the replica table."""

from collections.abc import Callable, Iterable, Sequence

from fleetserve.dashboard import history
from fleetserve.dashboard.view import Chart, Line, Link, Table, Tile, View
from fleetserve.errors import UnavailableError
from fleetserve.metrics.base import MetricsStore
from fleetserve.metrics.histogram import LatencyHistogram
from fleetserve.metrics.rollup import RollUp
from fleetserve.model_records import ModelRecord, ModelState
from fleetserve.runtime import HISTORY_S, ServiceRuntime
from fleetserve.tasks import AUDIO_SERVICE
from gateway.fleet_health import FleetHealth
from gateway.known_models import KnownModels
from gateway.replica_table import Replica, ReplicaTable

GATEWAY = "gateway"


class FleetView:
    def __init__(
        self,
        table: ReplicaTable,
        models: KnownModels,
        store: MetricsStore,
        health: FleetHealth,
        runtime: ServiceRuntime,
    ) -> None:
        self._table = table
        self._models = models
        self._store = store
        self._health = health
        self._runtime = runtime

    async def build(self) -> View:
        state = await self._health.state()
        faults = [f"{name}: {c.detail}" for name, c in state.checks.items() if not c.healthy]
        try:
            now_s = self._runtime.clock.now_s()
            told = await self._store.window(now_s - HISTORY_S)
            # Of the second that is going on not everybody has told yet: sums would fall.
            rollups = [r for r in told if r.at_s < int(now_s)]
        except UnavailableError:
            rollups = list(self._runtime.history)
        seconds = sorted({r.at_s for r in rollups if r.service == GATEWAY})
        recent = [r for r in rollups if r.at_s in seconds[-history.RECENT_S :]]
        return View(
            title="Fleet",
            state=state.status,
            subtitle=f"{_count(self._table.all(), 'process')}, "
            f"{_count(self._models.records(), 'model')}",
            tiles=_tiles(recent, self._table.all()),
            charts=_charts(rollups, seconds),
            tables=[self._model_table(recent), self._replicas()],
            links=self.links(),
            note="; ".join(faults),
        )

    def links(self) -> list[Link]:
        """The fleet's page, one for each service that is there, and the studio of audio's."""
        names = [n for n in self._table.services() if any(r.address for r in self._table.all(n))]
        pages = [Link("fleet", "/dashboard"), *(Link(n, f"/dashboard/{n}") for n in names)]
        return [*pages, Link("studio", "/studio")] if AUDIO_SERVICE in names else pages

    def _replicas(self) -> Table:
        rows = [
            [
                replica.announced.service,
                replica.id,
                replica.announced.state if self._table.is_fresh(replica) else "lost",
                replica.announced.device or "–",
                replica.load,
                replica.announced.queued,
                ", ".join(replica.instances) or "–",
            ]
            for replica in sorted(self._table.all(), key=lambda r: (r.announced.service, r.id))
        ]
        columns = ("service", "process", "state", "device", "in flight", "waiting", "models")
        return Table("Processes", columns, rows)

    def _model_table(self, recent: Sequence[RollUp]) -> Table:
        """The models and what was asked of them in the last seconds."""
        gateways = [r for r in recent if r.service == GATEWAY]
        seconds = max(1, len({r.at_s for r in gateways}))
        rows = []
        for record in sorted(self._models.records(), key=lambda r: r.name):
            latency = _latency_of(record.name, gateways)
            rows.append(
                [
                    record.name,
                    record.task,
                    _state(record),
                    sum(record.name in r.instances for r in self._table.all()),
                    f"{latency.total / seconds:.1f}",
                    history.shown_ms(latency, 0.95),
                    record.message or None,
                ]
            )
        columns = ("model", "task", "state", "loaded on", "requests/s", "p95", "note")
        return Table("Models", columns, rows)


def _state(record: ModelRecord) -> object:
    if record.state is ModelState.DOWNLOADING:
        return {"progress": record.progress}
    return str(record.state)


def _latency_of(model: str, rollups: Iterable[RollUp]) -> LatencyHistogram:
    found = LatencyHistogram()
    for rollup in rollups:
        if model in rollup.models:
            found.merge(rollup.models[model].histogram())
    return found


def _tiles(recent: Sequence[RollUp], replicas: Sequence[Replica]) -> list[Tile]:
    gateways = [r for r in recent if r.service == GATEWAY]
    latest = {(r.service, r.replica_id): r for r in recent}.values()
    memory = sum(r.gauges.get("memory_mb", 0.0) for r in latest)
    serving = [r for r in replicas if r.announced.device]
    latency = history.merged(gateways, models=True)
    return [
        *history.rate_tiles(latency, max(1, len({r.at_s for r in gateways}))),
        Tile("in flight", str(sum(r.load for r in serving))),
        Tile("waiting", str(sum(r.announced.queued for r in serving))),
        Tile("replicas", str(len(serving))),
        Tile("memory", f"{memory:.0f} MiB"),
    ]


def _count(things: Sequence[object], noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{len(things)} {noun if len(things) == 1 else plural}"


def _charts(rollups: Sequence[RollUp], seconds: Sequence[int]) -> list[Chart]:
    gateways = [r for r in rollups if r.service == GATEWAY]
    latencies = [
        history.merged((r for r in gateways if r.at_s == at_s), models=True) for at_s in seconds
    ]
    times = sorted({r.at_s for r in rollups})
    return [
        *history.rate_charts([float(at_s) for at_s in seconds], latencies),
        _by(rollups, times, "in_flight", "In flight", lambda r: r.service, "most at one time"),
        _by(rollups, times, "memory_mb", "Memory", lambda r: r.service, "MiB"),
        _by(rollups, times, "compute_utilization", "Compute busy", lambda r: r.replica_id, "share"),
        _by(rollups, times, "queued", "Waiting for a model", lambda r: r.replica_id, "inputs"),
    ]


def _by(
    rollups: Iterable[RollUp],
    times: Sequence[int],
    gauge: str,
    title: str,
    label: Callable[[RollUp], str],
    unit: str,
) -> Chart:
    """One line per label, processes of the same label added up."""
    sums: dict[str, dict[int, float]] = {}
    for rollup in rollups:
        if gauge in rollup.gauges:
            line = sums.setdefault(label(rollup), {})
            line[rollup.at_s] = line.get(rollup.at_s, 0.0) + rollup.gauges[gauge]
    lines = [Line(name, [values.get(t) for t in times]) for name, values in sorted(sums.items())]
    return Chart(title, unit, [float(t) for t in times], lines)
