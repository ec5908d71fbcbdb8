"""The last two minutes of a process as charts."""

from collections.abc import Sequence

from fleetserve.dashboard.view import Chart, Line, Tile
from fleetserve.metrics.histogram import LatencyHistogram
from fleetserve.metrics.rollup import RollUp


def charts(rollups: Sequence[RollUp]) -> list[Chart]:
    """Rate, latency and every gauge, over the roll-ups of one process (oldest first)."""
    times = [float(r.at_s) for r in rollups]
    latencies = [_latency(r) for r in rollups]
    found = [
        Chart(
            "Requests", "per second", times, [Line("requests", [float(x.total) for x in latencies])]
        ),
        Chart(
            "Latency",
            "ms",
            times,
            [
                Line("p50", [_ms(x, 0.5) for x in latencies]),
                Line("p95", [_ms(x, 0.95) for x in latencies]),
            ],
        ),
    ]
    for name in sorted({gauge for r in rollups for gauge in r.gauges}):
        values = [r.gauges.get(name) for r in rollups]
        title, unit = _title(name)
        found.append(Chart(title, unit, times, [Line(title, values)]))
    return found


def tiles(rollups: Sequence[RollUp]) -> list[Tile]:
    """The last ten seconds in numbers."""
    recent = rollups[-10:]
    merged = LatencyHistogram()
    for rollup in recent:
        merged.merge(_latency(rollup))
    seconds = max(1, len(recent))
    memory = recent[-1].gauges.get("memory_mb", 0.0) if recent else 0.0
    in_flight = recent[-1].gauges.get("in_flight", 0.0) if recent else 0.0
    return [
        Tile("requests/s", f"{merged.total / seconds:.1f}"),
        Tile("p50", f"{merged.quantile_s(0.5) * 1000:.1f} ms"),
        Tile("p95", f"{merged.quantile_s(0.95) * 1000:.1f} ms"),
        Tile("in flight", f"{in_flight:.0f}"),
        Tile("memory", f"{memory:.0f} MiB"),
    ]


def _title(gauge: str) -> tuple[str, str]:
    """A gauge's name as people read it, and its unit."""
    for suffix, unit in (("_mb", "MiB"), ("_bytes", "bytes"), ("_ms", "ms"), ("_s", "s")):
        if gauge.endswith(suffix):
            return gauge.removesuffix(suffix).replace("_", " ").capitalize(), unit
    return gauge.replace("_", " ").capitalize(), ""


def _latency(rollup: RollUp) -> LatencyHistogram:
    merged = LatencyHistogram()
    for second in rollup.models.values():
        merged.merge(second.histogram())
    return merged


def _ms(latency: LatencyHistogram, q: float) -> float | None:
    return round(latency.quantile_s(q) * 1000, 3) if latency.total else None
