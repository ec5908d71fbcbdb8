"""The last two minutes as charts, the last seconds as tiles."""

import re
from collections.abc import Iterable, Sequence

from fleetserve.dashboard.view import Chart, Line, Tile
from fleetserve.metrics.histogram import LatencyHistogram
from fleetserve.metrics.rollup import RollUp

RECENT_S = 10
# Gauges whose names alone would not tell a reader what they are: title and unit.
_TITLES = {
    "compute_utilization": ("Compute busy", "share"),
    "in_flight": ("In flight", "most at one time"),
    "queue_bytes": ("Bodies in memory", "bytes"),
    "queued": ("Waiting for a model", "inputs"),
    "models_mb": ("Memory of models", "MiB"),
    "cpu_load_1m": ("CPU load", "1 min"),
}
_UNITS = {"mb": "MiB", "bytes": "bytes", "ms": "ms", "s": "s", "percent": "%", "c": "°C", "w": "W"}
# Of several things of one kind each is a line of the same chart.
_MEMBER = re.compile(r"(gpu\d+|inference|audio)_(.+)")


def charts(rollups: Sequence[RollUp], *, models: bool) -> list[Chart]:
    """Rate, latency and every gauge, over the roll-ups of one process (oldest first).

    Rate and latency are those of requests for ``models``, else of all others.
    """
    times = [float(r.at_s) for r in rollups]
    latencies = [latency_of(r, models=models) for r in rollups]
    gauges: dict[tuple[str, str], list[Line]] = {}
    for name in sorted({gauge for r in rollups for gauge in r.gauges}):
        title, unit, label = _place(name)
        line = Line(label, [r.gauges.get(name) for r in rollups])
        gauges.setdefault((title, unit), []).append(line)
    return [
        *rate_charts(times, latencies),
        *(Chart(title, unit, times, lines) for (title, unit), lines in gauges.items()),
    ]


def rate_charts(times: Sequence[float], latencies: Sequence[LatencyHistogram]) -> list[Chart]:
    """Rate and latency, one histogram for each second."""
    rate = Line("requests", [float(latency.total) for latency in latencies])
    quantiles = [Line(f"p{q}", [_ms(x, q / 100) for x in latencies]) for q in (50, 95)]
    return [
        Chart("Requests", "per second", times, [rate]),
        Chart("Latency", "ms", times, quantiles),
    ]


def tiles(rollups: Sequence[RollUp], *, models: bool) -> list[Tile]:
    """The last ten seconds of one process in numbers."""
    recent = rollups[-RECENT_S:]
    gauges = recent[-1].gauges if recent else {}
    return [
        *rate_tiles(merged(recent, models=models), max(1, len(recent))),
        Tile("in flight", f"{gauges.get('in_flight', 0.0):.0f}"),
        Tile("memory", f"{gauges.get('memory_mb', 0.0):.0f} MiB"),
    ]


def rate_tiles(latency: LatencyHistogram, seconds: int) -> list[Tile]:
    return [
        Tile("requests/s", f"{latency.total / seconds:.1f}"),
        Tile("p50", shown_ms(latency, 0.5)),
        Tile("p95", shown_ms(latency, 0.95)),
    ]


def merged(rollups: Iterable[RollUp], *, models: bool) -> LatencyHistogram:
    found = LatencyHistogram()
    for rollup in rollups:
        found.merge(latency_of(rollup, models=models))
    return found


def latency_of(rollup: RollUp, *, models: bool) -> LatencyHistogram:
    if not models:
        return rollup.calls.histogram()
    found = LatencyHistogram()
    for second in rollup.models.values():
        found.merge(second.histogram())
    return found


def shown_ms(latency: LatencyHistogram, q: float) -> str:
    """A quantile for reading; a dash where nothing was measured."""
    value = _ms(latency, q)
    return "–" if value is None else f"{value:.1f} ms"


def _place(gauge: str) -> tuple[str, str, str]:
    """The chart of a gauge, its unit, and the line's name in it."""
    member = _MEMBER.fullmatch(gauge)
    label, name = member.groups() if member else ("", gauge)
    if name in _TITLES:
        title, unit = _TITLES[name]
    else:
        stem, _, ending = name.rpartition("_")
        title, unit = (stem, _UNITS[ending]) if stem and ending in _UNITS else (name, "")
        title = title.replace("_", " ")
        title = f"GPU {title}" if label.startswith("gpu") else title.capitalize()
    return title.replace("Gpus", "GPUs"), unit, label or title


def _ms(latency: LatencyHistogram, q: float) -> float | None:
    return round(latency.quantile_s(q) * 1000, 3) if latency.total else None
