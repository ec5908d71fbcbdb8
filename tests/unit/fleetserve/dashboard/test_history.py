import pytest

from fleetserve.dashboard.history import charts, tiles
from fleetserve.metrics.histogram import LatencyHistogram
from fleetserve.metrics.rollup import ModelRollUp, RollUp


def rollup(at_s: int, *latencies_s: float, **gauges: float) -> RollUp:
    latency = LatencyHistogram()
    for seconds in latencies_s:
        latency.record(seconds)
    model = ModelRollUp(latency.total, 0, latency.total_s, latency.counts)
    return RollUp(at_s, "gateway", "g1", {"example": model}, gauges)


def test_nothing_recorded_is_no_latency_and_empty_charts() -> None:
    assert [t.value for t in tiles([], models=True)] == ["0.0", "–", "–", "0", "0 MiB"]
    assert [chart.times for chart in charts([], models=True)] == [[], []]


def test_tiles_tell_the_last_ten_seconds() -> None:
    busy = [rollup(second, *[1.0] * 5) for second in range(10)]
    idle = [rollup(10 + second, in_flight=2, memory_mb=75.4) for second in range(10)]
    told = {tile.label: tile.value for tile in tiles(busy + idle, models=True)}
    assert told["requests/s"] == "0.0"
    assert (told["in flight"], told["memory"]) == ("2", "75 MiB")
    assert {t.label: t.value for t in tiles(busy, models=True)}["requests/s"] == "5.0"


def test_rate_and_latency_are_charts_by_second() -> None:
    rate, latency = charts([rollup(7, 0.010, 0.010), rollup(8)], models=True)[:2]
    assert (rate.times, rate.lines[0].values) == ([7.0, 8.0], [2.0, 0.0])
    p50, p95 = latency.lines
    assert p50.values[0] == pytest.approx(10.0, rel=1 / 16)
    assert (p50.values[1], p95.values[1]) == (None, None)


def test_models_of_a_second_count_together() -> None:
    both = RollUp(
        7, "gateway", "g1", {"a": ModelRollUp(1, 0, 0, {1: 1}), "b": ModelRollUp(2, 0, 0, {1: 2})}
    )
    assert charts([both], models=True)[0].lines[0].values == [3.0]


@pytest.mark.parametrize(
    ("gauge", "title", "unit"),
    [
        ("memory_mb", "Memory", "MiB"),
        ("queue_depth", "Queue depth", ""),
        ("batch_wait_ms", "Batch wait", "ms"),
        ("held_bytes", "Held", "bytes"),
        ("queued", "Waiting for a model", "inputs"),
        ("gpus_suitable", "GPUs suitable", ""),
    ],
)
def test_each_gauge_is_a_chart_with_its_unit(gauge: str, title: str, unit: str) -> None:
    chart = charts([rollup(7, **{gauge: 3.0}), rollup(8)], models=True)[2]
    assert (chart.title, chart.unit, chart.lines[0].values) == (title, unit, [3.0, None])


def test_things_of_one_kind_are_lines_of_one_chart() -> None:
    gauges = {"audio_load": 1.0, "inference_load": 2.0, "gpu0_power_w": 70.0, "gpu1_power_w": 80.0}
    found = {c.title: (c.unit, c.lines) for c in charts([rollup(7, **gauges)], models=True)[2:]}
    assert set(found) == {"Load", "GPU power"}
    assert [line.label for line in found["Load"][1]] == ["audio", "inference"]
    assert found["GPU power"][0] == "W"
    assert [line.values for line in found["GPU power"][1]] == [[70.0], [80.0]]


def test_a_service_without_models_shows_its_calls() -> None:
    calls = ModelRollUp(3, 0, 0.3, {200: 3})
    both = RollUp(7, "auth-svc", "a1", {"m": ModelRollUp(1, 0, 0, {1: 1})}, calls=calls)
    assert charts([both], models=False)[0].lines[0].values == [3.0]
    assert tiles([both], models=False)[0].value == "3.0"
