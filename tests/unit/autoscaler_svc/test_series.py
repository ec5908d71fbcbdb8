from autoscaler_svc.series import KEPT_S, Series
from tests.unit.autoscaler_svc.fleet_parts import AUDIO, INFERENCE
from tests.unit.autoscaler_svc.world import World


async def test_each_tick_is_a_point_of_each_service(world: World) -> None:
    series = Series()
    series.add(await world.tick(load={"example": (3.5, 2)}))
    series.add(await world.tick(load={}))
    found = series.since(0.0)
    assert [(p.load, p.held) for p in found[INFERENCE]] == [(3.5, 2), (0.0, 0)]
    assert [p.desired for p in found[AUDIO]] == [1, 1]


async def test_only_the_last_minutes_are_kept_and_told(world: World) -> None:
    series = Series()
    series.add(await world.tick())
    await world.clock.advance(KEPT_S)
    state = await world.tick()
    series.add(state)
    assert len(series.since(0.0)[INFERENCE]) == 1
    assert series.since(state.at_s + 1) == {INFERENCE: [], AUDIO: []}
