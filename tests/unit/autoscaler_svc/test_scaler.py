"""The loop as a whole, over memory."""

import asyncio

import pytest

from autoscaler_svc.bounds import Room
from autoscaler_svc.intents.base import SERVICE_PREFIX, Floor
from autoscaler_svc.journal.base import EntryKind
from autoscaler_svc.policy import Cause
from fleetserve.model_records import ModelState
from tests.unit.autoscaler_svc.fleet_parts import AUDIO, INFERENCE, record, told
from tests.unit.autoscaler_svc.world import World

BUSY = {"example": (32.0, 0)}
QUIET = {"example": (0.5, 0)}


async def ask(world: World, instances: int, target: str = f"{SERVICE_PREFIX}{INFERENCE}") -> None:
    """A floor, as the API would set it."""
    service = AUDIO if target.endswith(AUDIO) else INFERENCE
    scaling_id = f"s{world.clock.now_s()}"
    await world.intents.put_floor(Floor(target, service, instances, 0.0, scaling_id))
    world.scaler.nudge()


async def test_fleet_at_rest_is_left_alone(world: World) -> None:
    state = await world.tick(100)
    assert world.orchestrator.specs == []
    assert await world.entries() == []
    assert state.leads
    assert all(service.settled for service in state.services.values())


async def test_load_grows_replicas_and_they_shrink_after(world: World) -> None:
    await world.tick(40, load=QUIET)
    await world.tick(15, load=BUSY)
    assert await world.running() == 4
    await world.tick(120, load=QUIET)
    assert await world.running() == 1
    assert await world.running(AUDIO) == 1
    kinds = [e.kind for e in await world.entries()]
    assert EntryKind.SCALE_UP in kinds
    assert kinds[-1] is EntryKind.SCALE_DOWN


async def test_each_decision_is_written_with_its_inputs(world: World) -> None:
    await world.tick(40, load=QUIET)
    await world.tick(15, load=BUSY)
    first = (await world.entries())[0]
    assert (first.kind, first.service, first.origin) == (EntryKind.SCALE_UP, INFERENCE, "load")
    assert first.cause == Cause.PANIC
    assert first.previous == 1
    assert first.inputs["load"] == 32.0
    assert "aimed at" in first.reason


async def test_floor_by_hand_is_obeyed_and_stays(world: World) -> None:
    await world.settled()
    await ask(world, 3)
    await world.tick(200, load={})
    assert await world.running() == 3
    (entry,) = await world.entries()
    assert (entry.origin, entry.previous, entry.target) == ("manual", 1, 3)
    assert entry.scaling_id is not None
    await ask(world, 1)
    await world.tick(5)
    assert await world.running() == 1
    assert [u.managed for u in await world.units()] == [False]


async def test_none_by_hand_until_a_request_waits(world: World) -> None:
    await world.settled()
    await ask(world, 0)
    await world.tick(5)
    assert await world.running() == 0
    await world.tick(50)
    assert await world.running() == 0
    await world.tick(3, load={"example": (0.5, 1)})
    assert await world.running() == 1
    assert await world.intents.floors() == {}
    await world.tick(100, load={})
    assert await world.running() == 1


async def test_own_replica_is_started_again_rather_than_another_made(world: World) -> None:
    await world.settled()
    (before,) = await world.units()
    await ask(world, 0)
    await world.tick(5)
    await ask(world, 1)
    await world.tick(5)
    (after,) = await world.units()
    assert after.id == before.id


async def test_dead_replica_is_made_up_for(world: World) -> None:
    await world.settled()
    await ask(world, 2)
    await world.tick(20)
    (managed,) = [u for u in await world.units() if u.managed]
    world.orchestrator.lose(managed.id)
    world.fleet.forget(managed.replica_id)
    await world.tick(30)
    assert await world.running() == 2
    repair = (await world.entries())[-1]
    assert (repair.origin, repair.cause) == ("repair", "missing")


async def test_replica_that_never_becomes_ready_is_replaced(world: World) -> None:
    await world.settled()
    world.becomes_ready = False
    await ask(world, 2)
    await world.tick(150)
    (stuck,) = [u for u in await world.units() if u.managed]
    await world.tick(40)
    world.becomes_ready = True
    await world.tick(10)
    (new,) = [u for u in await world.units() if u.managed]
    assert new.id != stuck.id
    assert any(e.kind is EntryKind.REPLACE for e in await world.entries())
    assert world.service().settled


async def test_replica_that_is_well_and_only_not_heard_stays(world: World) -> None:
    await world.settled()
    (own,) = await world.units()
    world.calls.alive.add(own.replica_id)
    world.hush(own.replica_id)
    await world.tick(300)
    assert [u.id for u in await world.units()] == [own.id]


async def test_while_redis_is_away_nothing_is_done(world: World) -> None:
    await world.settled()
    await ask(world, 2)
    await world.tick(10)
    world.fleet.away = "Redis is away"
    units = await world.units()
    await world.tick(100)
    assert world.scaler.problem == "Redis is away"
    world.fleet.away = ""
    await world.tick(3)
    assert await world.units() == units
    assert world.scaler.problem == ""


async def test_redis_that_forgot_everybody_makes_nobody_missed(world: World) -> None:
    await world.settled()
    everybody = dict(world.fleet.announcements)
    world.becomes_ready = False
    world.fleet.announcements.clear()
    await world.tick(300)
    assert world.orchestrator.specs == []
    world.fleet.announcements.update(everybody)
    await world.tick(10)
    assert world.orchestrator.specs == []
    assert await world.running() == 1


async def test_engine_that_is_away_is_told_and_work_goes_on_afterwards(world: World) -> None:
    await world.settled()
    await ask(world, 2)
    world.orchestrator.away = "no engine"
    state = await world.tick(5)
    assert state.engine_away == "no engine"
    world.orchestrator.away = ""
    await world.tick(5)
    assert await world.running() == 2


async def test_start_that_fails_is_told_once_and_tried_again(world: World) -> None:
    await world.settled()
    world.orchestrator.refusal = "no such image"
    await ask(world, 2)
    await world.tick(60)
    failed = [e for e in await world.entries() if e.kind is EntryKind.FAILED]
    assert [e.reason for e in failed] == ["no such image"]
    assert world.service().trouble == "no such image"
    world.orchestrator.refusal = ""
    await world.tick(65)
    assert await world.running() == 2
    assert world.service().trouble == ""


async def test_only_the_leader_acts(world: World) -> None:
    world.desk.owner, world.desk.until_s = "another", world.clock.monotonic_s() + 1e6
    await world.settled()
    await ask(world, 3)
    state = await world.tick(20)
    assert not state.leads
    assert state.leader == "another"
    assert world.orchestrator.specs == []
    assert state.services[INFERENCE].desired == 3
    world.desk.until_s = 0.0
    await world.tick(10)
    assert await world.running() == 3


async def test_restarted_autoscaler_adopts_what_runs(world: World) -> None:
    for _ in range(2):
        world.orchestrator.add_managed(INFERENCE)
    await ask(world, 3)
    await world.tick(50)
    assert world.orchestrator.specs == []
    assert await world.running() == 3
    adopted = (await world.entries())[0]
    assert (adopted.kind, adopted.target) == (EntryKind.ADOPT, 2)


async def test_at_the_end_what_was_made_is_gone_and_another_may_lead(world: World) -> None:
    await world.settled()
    await ask(world, 3)
    await world.tick(10)
    await world.scaler.leave()
    assert [u.managed for u in await world.units()] == [False]
    assert await world.intents.floors() == {}
    assert world.desk.owner == ""


async def test_who_does_not_lead_ends_nothing(world: World) -> None:
    world.orchestrator.add_managed(INFERENCE)
    world.desk.owner, world.desk.until_s = "another", world.clock.monotonic_s() + 1e6
    await world.settled()
    await world.scaler.leave()
    assert await world.running() == 2


async def test_stopping_process_starts_nothing(world: World, runtime: object) -> None:
    await world.settled()
    runtime.draining = True  # type: ignore[attr-defined]
    await ask(world, 3)
    await world.tick(10)
    assert world.orchestrator.specs == []


async def test_replicas_on_gpus_are_bounded_and_spread(world: World) -> None:
    world.machine.room = Room(cores=64, free_mb=-1, gpus=2)
    await world.settled()
    (own,) = await world.units()
    world.fleet.announce(told(own.replica_id, device="cuda:0"))
    await world.tick(40, load=QUIET)
    await world.tick(20, load={"example": (200.0, 0)})
    assert await world.running() == 2
    assert world.orchestrator.specs[0].environment == {"CUDA_VISIBLE_DEVICES": "1"}


class TestModels:
    async def test_model_that_was_lost_with_its_replica_is_loaded_again(self, world: World) -> None:
        world.fleet.records["m"] = record("m")
        await world.settled()
        await ask(world, 1, "m")
        await world.tick(5)
        (own,) = await world.units()
        assert world.service().instances("m") == 1
        world.reboot(own.replica_id)
        assert world.service().instances("m") == 1
        await world.tick(8)
        assert world.service().instances("m") == 1
        loads = [e for e in await world.entries() if e.kind is EntryKind.LOAD_MODEL]
        assert len(loads) == 2

    async def test_instances_of_a_model_bring_their_replicas(self, world: World) -> None:
        world.fleet.records["m"] = record("m")
        await world.settled()
        await ask(world, 3, "m")
        await world.tick(15)
        assert await world.running() == 3
        assert world.service().instances("m") == 3

    async def test_none_of_a_model_unloads_it_everywhere(self, world: World) -> None:
        world.fleet.records["m"] = record("m")
        await world.settled()
        await ask(world, 2, "m")
        await world.tick(15)
        await ask(world, 0, "m")
        await world.tick(15)
        assert world.service().instances("m") == 0
        await world.tick(50)
        assert world.service().instances("m") == 0
        assert await world.running() == 1

    async def test_new_replica_gets_the_model_that_loads_the_other(self, world: World) -> None:
        world.fleet.records["m"] = record("m")
        await world.settled()
        await ask(world, 1, "m")
        await world.tick(10, load={"m": (1.0, 0)})
        await world.tick(30, load={"m": (17.0, 0)})
        assert await world.running() == 2
        assert world.service().instances("m") == 2

    async def test_model_that_requests_wait_for_is_loaded(self, world: World) -> None:
        world.fleet.records["m"] = record("m")
        await world.settled()
        await world.tick(6, load={"m": (1.0, 1)})
        assert world.service().instances("m") == 1

    async def test_model_that_is_still_downloaded_is_neither_load_nor_loaded(
        self, world: World
    ) -> None:
        world.fleet.records["m"] = record("m", ModelState.DOWNLOADING)
        await world.settled()
        await world.tick(30, load={"m": (200.0, 200)})
        assert await world.running() == 1
        assert world.service().instances("m") == 0


async def test_gauges_and_series_follow(world: World, runtime: object) -> None:
    await world.tick(3, load={"example": (2.5, 1)})
    gauges = runtime.metrics.gauges  # type: ignore[attr-defined]
    assert gauges["inference_load"] == 2.5
    assert gauges["inference_held_requests"] == 1.0
    assert gauges["audio_desired_replicas"] == 1.0
    points = world.services.series.since(0.0)[INFERENCE]
    assert [p.load for p in points] == [2.5] * 3


@pytest.mark.parametrize("fault", [RuntimeError("oops")])
async def test_fault_inside_does_not_end_the_loop(
    world: World, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    async def broken() -> None:
        raise fault

    await world.settled()
    tick = world.scaler.tick
    monkeypatch.setattr(world.scaler, "tick", broken)
    running = asyncio.create_task(world.scaler.run())
    await world.clock.advance(1.0)
    assert "failed inside" in world.scaler.problem
    monkeypatch.setattr(world.scaler, "tick", tick)
    await world.clock.advance(5.0)
    assert world.scaler.problem == ""
    running.cancel()
    await asyncio.wait({running})
