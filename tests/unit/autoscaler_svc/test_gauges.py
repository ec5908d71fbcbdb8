from autoscaler_svc.gauges import floor_table, model_table, replica_table, set_gauges
from autoscaler_svc.intents.base import SERVICE_PREFIX, Floor
from fleetserve.runtime import ServiceRuntime
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, record
from tests.unit.autoscaler_svc.world import World


async def test_gauges_stand_under_each_kind_of_replica(
    world: World, runtime: ServiceRuntime
) -> None:
    set_gauges(runtime.metrics, await world.tick(load={"example": (4.0, 1)}))
    gauges = runtime.metrics.gauges
    assert gauges["inference_load"] == 4.0
    assert gauges["inference_held_requests"] == 1.0
    assert {"audio_desired_replicas", "audio_ready_replicas"} <= set(gauges)


async def test_tables_show_what_there_is(world: World) -> None:
    world.fleet.records["m"] = record("m")
    await world.settled()
    await world.intents.put_floor(Floor("m", INFERENCE, 1, 0.0, "s1", "a test"))
    await world.intents.put_floor(Floor(f"{SERVICE_PREFIX}{INFERENCE}", INFERENCE, 1, 0.0, "s2"))
    state = await world.tick(8)
    replicas = replica_table(state)
    assert [row[:3] for row in replicas.rows] == [[INFERENCE, 1, 1], ["audio-svc", 1, 1]]
    assert ["m", "inference-svc-1", "ready", "0 s ago", "1"] in list(model_table(state).rows)
    assert sorted(row[0] for row in floor_table(state).rows) == [INFERENCE, "m"]


def test_tables_are_empty_before_anything_was_seen() -> None:
    assert [list(make(None).rows) for make in (replica_table, model_table, floor_table)] == [
        [],
        [],
        [],
    ]
