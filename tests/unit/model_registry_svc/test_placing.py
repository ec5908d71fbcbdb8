import asyncio
from collections.abc import Callable

import pytest

from fleetserve.announcements import InstanceState, ModelInstance
from fleetserve.clock import ManualClock
from fleetserve.errors import DeadlineError, DoesNotFitError, UnavailableError, UpstreamError
from fleetserve.manifest import Manifest
from model_registry_svc.fleet_calls.base import NoAnswerError
from model_registry_svc.fleet_calls.memory import FREED_BYTES, MemoryFleetCalls
from model_registry_svc.placing import LEAVE_S, SWITCH_S, Placement, Placing
from model_registry_svc.replicas import ReplicaBoard

Announce = Callable[..., None]
MANIFEST = Manifest("m", "huggingface", "org/m", "rev", "fill-mask", (), 100, 0.0)
READY = ModelInstance("m", "rev", InstanceState.READY)
WAIT_S = 10.0


@pytest.fixture
def calls() -> MemoryFleetCalls:
    return MemoryFleetCalls()


@pytest.fixture
def placing(board: ReplicaBoard, calls: MemoryFleetCalls, clock: ManualClock) -> Placing:
    return Placing(board, calls, clock)


async def in_time(clock: ManualClock, task: "asyncio.Task[object]") -> object:
    """The task's result, with as much of the clock's time as it wants."""
    async with asyncio.timeout(WAIT_S):
        while not task.done():
            await clock.advance(10.0)
            # Its calls are made in threads.
            await asyncio.sleep(0.01)
    return task.result()


async def test_replica_with_room_loads_it(
    placing: Placing, calls: MemoryFleetCalls, announce: Announce
) -> None:
    announce("full", room_bytes=10)
    announce("free", room_bytes=1000)
    assert await placing.load(MANIFEST, wait=True) == Placement(("free",), done=True)
    assert calls.made == [("load", "free", "m@rev")]
    assert not (await placing.load(MANIFEST, wait=False)).done


async def test_replica_that_has_it_is_not_asked(
    placing: Placing, calls: MemoryFleetCalls, announce: Announce
) -> None:
    announce("a", READY)
    assert await placing.load(MANIFEST, wait=True) == Placement(("a",), done=True)
    assert calls.made == []


async def test_replica_that_refuses_for_room_is_not_the_last_one(
    placing: Placing, calls: MemoryFleetCalls, announce: Announce
) -> None:
    announce("a", room_bytes=900)
    announce("b", room_bytes=10)
    calls.failures["a"] = NoAnswerError("a does not answer")
    assert (await placing.load(MANIFEST, wait=True)).replicas == ("b",)


async def test_what_fits_nowhere_is_said_and_what_may_fit_soon_before_it(
    placing: Placing, calls: MemoryFleetCalls, announce: Announce
) -> None:
    announce("a")
    announce("b")
    calls.failures["a"] = DoesNotFitError("a: up to 10 MiB would fit")
    calls.failures["b"] = DoesNotFitError("b: up to 20 MiB would fit")
    with pytest.raises(DoesNotFitError, match="would fit"):
        await placing.load(MANIFEST, wait=True)
    calls.failures["b"] = UnavailableError("b: the models here are in use")
    with pytest.raises(UnavailableError, match="in use"):
        await placing.load(MANIFEST, wait=True)


async def test_model_that_cannot_be_loaded_is_tried_once(
    placing: Placing, calls: MemoryFleetCalls, announce: Announce
) -> None:
    announce("a")
    announce("b")
    calls.failures["m"] = UpstreamError("a: the weights are cut")
    with pytest.raises(UpstreamError, match="cut"):
        await placing.load(MANIFEST, wait=True)
    assert len(calls.made) == 1


async def test_without_a_replica_it_is_said_how_to_have_one(placing: Placing) -> None:
    with pytest.raises(UnavailableError, match="/autoscaler/scale") as caught:
        await placing.load(MANIFEST, wait=True)
    assert caught.value.code == "no_replica"


async def test_it_leaves_every_replica_once_the_autoscaler_has_forgotten_it(
    placing: Placing, calls: MemoryFleetCalls, announce: Announce
) -> None:
    announce("a", READY)
    announce("b", ModelInstance("m", "old", InstanceState.LOADING))
    announce("scaler", service="autoscaler-svc")
    placed = await placing.unload("m", wait=True)
    assert placed == Placement(("a", "b"), done=True, freed_bytes=2 * FREED_BYTES)
    assert calls.made == [
        ("forget", "scaler", "m"),
        ("unload", "a", "m@rev"),
        ("unload", "b", "m@old"),
    ]


async def test_without_an_autoscaler_it_leaves_all_the_same(
    placing: Placing, calls: MemoryFleetCalls, announce: Announce
) -> None:
    announce("a", READY)
    announce("scaler", service="autoscaler-svc")
    calls.failures["scaler"] = NoAnswerError("it does not answer")
    assert (await placing.unload("m", wait=True)).done


async def test_what_requests_hold_is_waited_for_if_that_is_wanted(
    placing: Placing, calls: MemoryFleetCalls, announce: Announce, clock: ManualClock
) -> None:
    announce("a", READY)
    calls.held.add("m")
    assert await placing.unload("m", wait=False) == Placement(("a",), done=False)
    with pytest.raises(DeadlineError, match="hold m on a"):
        await in_time(clock, asyncio.create_task(placing.unload("m", wait=True)))
    assert clock.monotonic_s() > LEAVE_S
    # Taken away once: what a request has loaded since is not what was to leave.
    verbs = [verb for verb, _, _ in calls.made]
    assert verbs.count("unload") == 2
    assert verbs[-1] == "leaving"


async def test_every_ready_replica_of_the_task_reads_the_pins(
    placing: Placing, calls: MemoryFleetCalls, announce: Announce
) -> None:
    announce("a")
    announce("b")
    announce("other", service="audio-svc")
    calls.failures["a"] = NoAnswerError("a does not answer")
    await placing.read_pins("fill-mask")
    assert [replica for _, replica, _ in calls.made] == ["a", "b"]


async def test_switch_is_over_when_nobody_serves_another_revision(
    placing: Placing, announce: Announce, clock: ManualClock
) -> None:
    announce("a", READY)
    assert await placing.switched("m", "rev") == ("a",)
    announce("b", ModelInstance("m", "old", InstanceState.READY))
    begin_s = clock.monotonic_s()
    switched = asyncio.create_task(placing.switched("m", "rev"))
    assert await in_time(clock, switched) == ("a",)
    assert clock.monotonic_s() - begin_s > SWITCH_S
