from collections.abc import Sequence
from typing import Any

import pytest

from fleetserve.dashboard.view import Table, View
from fleetserve.errors import UnavailableError
from fleetserve.metrics.memory import MemoryMetricsStore
from fleetserve.metrics.rollup import ModelRollUp, RollUp
from fleetserve.model_records import ModelState
from gateway.directory.memory import MemoryDirectory
from gateway.fleet_health import FleetHealth
from gateway.fleet_view import FleetView
from gateway.replica_table import STALE_S
from tests.unit.gateway.fleet import Fleet, announced, answering, recorded


class Away(MemoryMetricsStore):
    async def window(self, since_s: float) -> list[RollUp]:
        raise UnavailableError("Redis did not give the metrics")


@pytest.fixture
def store() -> MemoryMetricsStore:
    return MemoryMetricsStore()


async def build(fleet: Fleet, store: MemoryMetricsStore) -> View:
    directory = MemoryDirectory(fleet.table, fleet.models)
    health = FleetHealth(fleet.table, fleet.calls, directory, fleet.runtime, ("inference-svc",))
    return await FleetView(fleet.table, fleet.models, store, health, fleet.runtime).build()


def rows(view: View, title: str) -> Sequence[Sequence[Any]]:
    found: list[Table] = [table for table in view.tables if table.title == title]
    return found[0].rows


async def test_page_lists_every_process_and_marks_the_lost(
    fleet: Fleet, store: MemoryMetricsStore
) -> None:
    fleet.add(answering(), announced("i2", models=("a", "b"), in_flight=3, queued=1))
    fleet.clock.move(STALE_S)
    fleet.add(answering(), announced("i1", models=()))
    view = await build(fleet, store)
    assert rows(view, "Processes") == [
        ["inference-svc", "i1", "ready", "cpu", 0, 0, "–"],
        ["inference-svc", "i2", "lost", "cpu", 3, 1, "a, b"],
    ]
    assert [link.path for link in view.links] == ["/dashboard", "/dashboard/inference-svc"]


async def test_studio_is_linked_where_audio_is_served(
    fleet: Fleet, store: MemoryMetricsStore
) -> None:
    fleet.add(answering(), announced("a1", service="audio-svc"))
    view = await build(fleet, store)
    assert [link.path for link in view.links][1:] == ["/dashboard/audio-svc", "/studio"]


async def test_page_lists_every_model_with_its_progress(
    fleet: Fleet, store: MemoryMetricsStore
) -> None:
    fleet.add(answering(), announced("i1", models=("example",)))
    fleet.models.put(recorded("m", ModelState.DOWNLOADING, progress=0.4, message="downloading"))
    asked = ModelRollUp(2, 0, 0.2, {200: 2})
    await store.record(RollUp(998, "gateway", "g1", {"example": asked}))
    await store.record(RollUp(999, "gateway", "g1"))
    models = {row[0]: row for row in rows(await build(fleet, store), "Models")}
    assert models["m"][2:] == [{"progress": 0.4}, 0, "0.0", "–", "downloading"]
    assert models["example"][2:5] == ["ready", 1, "1.0"]
    assert models["example"][5].endswith(" ms")


async def test_tiles_are_of_the_whole_fleet(fleet: Fleet, store: MemoryMetricsStore) -> None:
    fleet.add(answering(), announced("i1", in_flight=3, queued=2))
    asked = ModelRollUp(4, 0, 0.4, {200: 4})
    for gateway in ("g1", "g2"):
        rollup = RollUp(999, "gateway", gateway, {"a": asked}, {"memory_mb": 50.0})
        await store.record(rollup)
    await store.record(RollUp(999, "inference-svc", "i1", gauges={"memory_mb": 200.0}))
    view = await build(fleet, store)
    told = {tile.label: tile.value for tile in view.tiles}
    assert (told["requests/s"], told["memory"]) == ("8.0", "300 MiB")
    assert (told["in flight"], told["waiting"], told["replicas"]) == ("3", "2", "1")
    assert view.charts[0].lines[0].values == [8.0]
    assert view.subtitle == "1 process, 3 models"


async def test_page_says_what_is_wrong(fleet: Fleet, store: MemoryMetricsStore) -> None:
    view = await build(fleet, store)
    assert view.state == "down"
    assert "inference-svc: not running" in view.note
    assert "redis: " in view.note


async def test_chart_adds_up_the_processes_of_a_service(
    fleet: Fleet, store: MemoryMetricsStore
) -> None:
    for replica_id, in_flight in [("i1", 2.0), ("i2", 3.0)]:
        gauges = {"in_flight": in_flight}
        await store.record(RollUp(999, "inference-svc", replica_id, gauges=gauges))
    await store.record(RollUp(998, "audio-svc", "a1", gauges={"in_flight": 1.0}))
    view = await build(fleet, store)
    (chart,) = [chart for chart in view.charts if chart.title == "In flight"]
    assert chart.times == [998.0, 999.0]
    assert {line.label: list(line.values) for line in chart.lines} == {
        "audio-svc": [1.0, None],
        "inference-svc": [None, 5.0],
    }


async def test_page_is_there_without_the_store(fleet: Fleet) -> None:
    fleet.runtime.history.append(RollUp(999, "gateway", "g1", gauges={"in_flight": 4.0}))
    view = await build(fleet, Away())
    (chart,) = [chart for chart in view.charts if chart.title == "In flight"]
    assert [line.label for line in chart.lines] == ["gateway"]
