import asyncio

import pytest

from autoscaler_svc.intents.base import SERVICE_PREFIX
from autoscaler_svc.manual import WAIT_S, Scaling
from autoscaler_svc.scaling import Order, ScaleAction
from fleetserve.errors import (
    ConflictError,
    DeadlineError,
    DoesNotFitError,
    UnavailableError,
)
from fleetserve.model_policies import ModelPolicy
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, record
from tests.unit.autoscaler_svc.world import World

TARGET = f"{SERVICE_PREFIX}{INFERENCE}"


async def ordered(world: World, number: int, *models: str, force: bool = False) -> Scaling:
    order = Order(models or ("example",), number=number, reason="a test", force=force)
    return await world.services.manual.scale(order)


def waiting(world: World, scaling: Scaling) -> "asyncio.Task[None]":
    return asyncio.create_task(world.services.manual.wait(scaling))


async def test_order_becomes_a_floor(world: World) -> None:
    await world.settled()
    scaling = await ordered(world, 3)
    floor = (await world.intents.floors())[TARGET]
    assert (floor.instances, floor.scaling_id, floor.reason) == (3, scaling.id, "a test")
    (aim,) = scaling.aims
    assert (aim.previous, aim.instances, aim.limited_by) == (1, 3, None)


async def test_order_is_cut_by_the_bounds_unless_forced(world: World) -> None:
    world.room(free_mb=512 + 650)
    await world.settled()
    (aim,) = (await ordered(world, 9)).aims
    assert (aim.instances, aim.limited_by) == (2, "memory")
    (aim,) = (await ordered(world, 9, force=True)).aims
    assert (aim.instances, aim.limited_by) == (9, None)


async def test_waiting_ends_when_it_is_so(world: World) -> None:
    await world.settled()
    scaling = await ordered(world, 3)
    await world.wait_for(waiting(world, scaling))
    assert await world.running() == 3
    assert world.services.manual.took_s(scaling) < 10


async def test_waiting_for_fewer_ends_when_they_are_gone(world: World) -> None:
    await world.settled()
    await world.wait_for(waiting(world, await ordered(world, 3)))
    await world.wait_for(waiting(world, await ordered(world, 1)))
    assert await world.running() == 1


async def test_waiting_for_none_and_for_a_model(world: World) -> None:
    world.fleet.records["m"] = record("m")
    await world.settled()
    await world.wait_for(waiting(world, await ordered(world, 2, "m")))
    assert world.service().instances("m") == 2
    await world.wait_for(waiting(world, await ordered(world, 0, "m")))
    assert world.service().instances("m") == 0
    await world.wait_for(waiting(world, await ordered(world, 0)))
    assert await world.running() == 0


async def test_other_number_meanwhile_ends_the_waiting(world: World) -> None:
    await world.settled()
    world.becomes_ready = False
    task = waiting(world, await ordered(world, 3))
    await world.tick(3)
    await ordered(world, 2)
    with pytest.raises(ConflictError) as caught:
        await world.wait_for(task)
    assert caught.value.code == "superseded"


async def test_request_that_wakes_what_was_put_to_sleep_is_no_fault(world: World) -> None:
    await world.settled()
    world.orchestrator.slow = True
    task = waiting(world, await ordered(world, 0))
    await world.tick(3)
    assert not task.done()
    world.orchestrator.finish((await world.units())[0].id)
    # It is gone and wanted again within one look.
    await world.tick(1, load={"example": (0.5, 1)})
    await world.tick(2, load={"example": (0.5, 1)})
    await world.wait_for(task, ticks=3)


async def test_model_that_a_replica_refuses_is_told(world: World) -> None:
    world.fleet.records["m"] = record("m")
    world.calls.failures["m"] = DoesNotFitError("r1: needs 9 GiB")
    await world.settled()
    with pytest.raises(DoesNotFitError, match="9 GiB"):
        await world.wait_for(waiting(world, await ordered(world, 1, "m")))


async def test_waiting_has_an_end(world: World) -> None:
    await world.settled()
    world.becomes_ready = False
    scaling = await ordered(world, 2)
    with pytest.raises(DeadlineError, match="goes on"):
        await world.wait_for(waiting(world, scaling), ticks=round(WAIT_S) + 2)


async def test_waiting_ends_with_the_process(world: World, runtime: object) -> None:
    await world.settled()
    task = waiting(world, await ordered(world, 2))
    runtime.draining = True  # type: ignore[attr-defined]
    with pytest.raises(UnavailableError, match="stopping"):
        await world.wait_for(task)


async def test_nothing_is_promised_while_nothing_can_be_done(world: World) -> None:
    with pytest.raises(UnavailableError, match="not been looked at"):
        await ordered(world, 2)
    await world.settled()
    world.orchestrator.away = "no engine"
    await world.tick(12)
    with pytest.raises(UnavailableError, match="no engine"):
        await ordered(world, 2)


async def test_several_models_are_one_scaling(world: World) -> None:
    world.fleet.records["m"] = record("m")
    await world.settled()
    order = Order(("m", "example"), action=ScaleAction.LOAD_MODEL)
    scaling = await world.services.manual.scale(order)
    floors = await world.intents.floors()
    assert {f.scaling_id for f in floors.values()} == {scaling.id}
    assert set(floors) == {"m", TARGET}
    await world.wait_for(waiting(world, scaling))
    assert world.service().instances("m") == 1


async def test_model_that_came_a_moment_ago_is_known(world: World) -> None:
    await world.settled()
    world.fleet.records["m"] = record("m")
    await world.wait_for(waiting(world, await ordered(world, 1, "m")))
    assert world.service().instances("m") == 1


async def test_forgotten_number_of_a_model_holds_no_more(world: World) -> None:
    world.fleet.records["m"] = record("m")
    await world.settled()
    await world.wait_for(waiting(world, await ordered(world, 2, "m")))
    forgetting = asyncio.create_task(world.services.manual.forget("m"))
    await world.wait_for(forgetting)
    assert await world.intents.floors() == {}
    assert world.scaler.state is not None
    assert world.scaler.state.floors == {}
    assert world.service().instances("m") == 2


async def test_number_that_nobody_asked_for_is_forgotten_at_once(world: World) -> None:
    world.fleet.records["m"] = record("m")
    await world.settled()
    await world.wait_for(waiting(world, await ordered(world, 2, "m")))
    begin_s, floors = world.clock.monotonic_s(), await world.intents.floors()
    await world.services.manual.forget("example")
    assert world.clock.monotonic_s() == begin_s
    assert await world.intents.floors() == floors
    assert floors["m"].instances == 2


async def test_model_pinned_a_moment_ago_is_not_unloaded(world: World) -> None:
    world.fleet.records["m"] = record("m")
    await world.settled()
    world.fleet.asked["m"] = ModelPolicy("m", pinned=True)
    with pytest.raises(ConflictError) as caught:
        await ordered(world, 0, "m")
    assert caught.value.code == "model_pinned"
