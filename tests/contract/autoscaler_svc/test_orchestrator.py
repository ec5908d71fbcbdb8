"""What every adapter of the Orchestrator port does."""

import asyncio

import pytest

from autoscaler_svc.orchestrator.base import ReplicaSpec, Unit, UnitState
from fleetserve.errors import InvalidFieldError, UnavailableError
from tests.contract.autoscaler_svc.conftest import SERVICE, World


async def running(world: World) -> list[Unit]:
    return [u for u in await world.orchestrator.list() if u.state is not UnitState.STOPPED]


async def test_the_fleets_own_replica_is_listed_as_such(world: World) -> None:
    (unit,) = await world.orchestrator.list()
    assert (unit.service, unit.managed, unit.state) == (SERVICE, False, UnitState.RUNNING)
    assert unit.replica_id or unit.host


async def test_started_replica_is_managed_and_comes_after_the_older(world: World) -> None:
    started = await world.orchestrator.start(ReplicaSpec(SERVICE))
    assert started.managed
    assert started.state is UnitState.RUNNING
    assert started.replica_id.startswith(SERVICE)
    assert [u.managed for u in await running(world)] == [False, True]


async def test_two_started_at_the_same_time_are_two(world: World) -> None:
    spec = ReplicaSpec(SERVICE)
    one, two = await asyncio.gather(world.orchestrator.start(spec), world.orchestrator.start(spec))
    assert one.id != two.id
    assert one.replica_id != two.replica_id
    assert len(await running(world)) == 3


async def test_another_orchestrator_finds_what_this_one_started(world: World) -> None:
    started = await world.orchestrator.start(ReplicaSpec(SERVICE))
    found = await world.again().list()
    assert [u for u in found if u.managed] == [started]


async def test_stopped_replica_is_gone(world: World) -> None:
    started = await world.orchestrator.start(ReplicaSpec(SERVICE))
    await world.orchestrator.stop(started.id, grace_s=5)
    assert [u.id for u in await world.orchestrator.list() if u.managed] == []


async def test_adopted_replica_can_be_stopped(world: World) -> None:
    started = await world.orchestrator.start(ReplicaSpec(SERVICE))
    await world.again().stop(started.id, grace_s=0)
    assert len(await world.orchestrator.list()) == 1


async def test_stopping_what_is_not_there_is_no_error(world: World) -> None:
    started = await world.orchestrator.start(ReplicaSpec(SERVICE))
    await world.orchestrator.stop(started.id, grace_s=0)
    await world.orchestrator.stop(started.id)
    await world.orchestrator.drain(started.id)
    await world.orchestrator.stop("0" * 64)


async def test_drained_replica_ends_and_stop_waits_for_it(world: World) -> None:
    started = await world.orchestrator.start(ReplicaSpec(SERVICE))
    await world.orchestrator.drain(started.id)
    await world.orchestrator.drain(started.id)
    await world.orchestrator.stop(started.id)
    assert [u.id for u in await world.orchestrator.list() if u.managed] == []


async def test_replica_tells_the_gpu_that_it_was_given(world: World) -> None:
    spec = ReplicaSpec(SERVICE, {"CUDA_VISIBLE_DEVICES": "1", "TORCH_THREADS": "2"})
    assert (await world.orchestrator.start(spec)).gpu == "1"
    assert [u.gpu for u in await world.orchestrator.list()] == ["", "1"]


async def test_after_the_fleets_own_was_stopped_one_start_makes_one(world: World) -> None:
    (own,) = await world.orchestrator.list()
    await world.orchestrator.stop(own.id, grace_s=1)
    assert await running(world) == []
    await world.orchestrator.start(ReplicaSpec(SERVICE))
    (unit,) = await world.orchestrator.list()
    assert unit.state is UnitState.RUNNING


async def test_service_without_a_template_is_refused(world: World) -> None:
    with pytest.raises(InvalidFieldError):
        await world.orchestrator.start(ReplicaSpec("gateway"))


async def test_engine_that_is_away_is_unavailable(world: World) -> None:
    await world.lose()
    with pytest.raises(UnavailableError):
        await world.orchestrator.list()
    with pytest.raises(UnavailableError):
        await world.orchestrator.start(ReplicaSpec(SERVICE))
