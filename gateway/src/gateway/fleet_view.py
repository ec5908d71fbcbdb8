"""The fleet's dashboard page: everything at a glance, from the roll-ups and the replica table."""

from collections.abc import Callable, Iterable, Sequence

from fleetserve.dashboard import history
from fleetserve.dashboard.view import Chart, Line, Link, Table, Tile, View
from fleetserve.errors import UnavailableError
from fleetserve.metrics.base import MetricsStore
from fleetserve.metrics.rollup import RollUp
from fleetserve.runtime import HISTORY_S, ServiceRuntime
from gateway.fleet_health import FleetHealth
from gateway.known_models import KnownModels
from gateway.replica_table import Replica, ReplicaTable


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
        own = list(self._runtime.history)
        try:
            rollups = await self._store.window(self._runtime.clock.now_s() - HISTORY_S)
        except UnavailableError:
            rollups = own
        return View(
            title="Fleet",
            state=state.status,
            subtitle=f"{len(self._table.all())} processes, {len(self._models.records())} models",
            tiles=[*history.tiles(own), *_fleet_tiles(self._table.all())],
            charts=[*history.charts(own)[:2], *_charts(rollups)],
            tables=[self._replicas(), self._model_table()],
            links=self.links(),
            note="; ".join(faults),
        )

    def links(self) -> list[Link]:
        """The fleet's page and one for each service that is there."""
        names = [n for n in self._table.services() if any(r.address for r in self._table.all(n))]
        return [Link("fleet", "/dashboard"), *(Link(n, f"/dashboard/{n}") for n in names)]

    def _replicas(self) -> Table:
        rows = [
            [
                replica.announced.service,
                replica.id,
                replica.announced.state if self._table.is_fresh(replica) else "lost",
                replica.announced.device or "–",
                replica.load,
                ", ".join(replica.instances) or "–",
            ]
            for replica in sorted(self._table.all(), key=lambda r: (r.announced.service, r.id))
        ]
        columns = ("service", "process", "state", "device", "in flight", "models")
        return Table("Processes", columns, rows)

    def _model_table(self) -> Table:
        rows = [
            [
                record.name,
                record.task,
                str(record.state),
                {"progress": record.progress if record.state == "downloading" else 1.0},
                sum(record.name in r.instances for r in self._table.all()),
                record.message,
            ]
            for record in sorted(self._models.records(), key=lambda r: r.name)
        ]
        columns = ("model", "task", "state", "download", "loaded on", "")
        return Table("Models", columns, rows)


def _fleet_tiles(replicas: Sequence[Replica]) -> list[Tile]:
    serving = [r for r in replicas if r.announced.device]
    return [Tile("replicas", str(len(serving)))]


def _charts(rollups: Sequence[RollUp]) -> list[Chart]:
    times = sorted({r.at_s for r in rollups})
    return [
        _by(rollups, times, "in_flight", "In flight", lambda r: r.service, ""),
        _by(rollups, times, "memory_mb", "Memory", lambda r: r.service, "MiB"),
        _by(rollups, times, "compute_utilization", "Compute busy", lambda r: r.replica_id, "share"),
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
