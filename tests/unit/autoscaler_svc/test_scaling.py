import dataclasses

import pytest

from autoscaler_svc.fleet_state import FleetState
from autoscaler_svc.intents.base import SERVICE_PREFIX
from autoscaler_svc.scaling import (
    Aim,
    Order,
    PlannedStep,
    ScaleAction,
    aims_of,
    is_reached,
    is_woken,
    limited,
    planned_steps,
)
from fleetserve.errors import ConflictError, InvalidFieldError, ModelNotFoundError
from fleetserve.model_records import ModelState
from tests.unit.autoscaler_svc.fleet_parts import AUDIO, INFERENCE, record
from tests.unit.autoscaler_svc.world import World

TARGET = f"{SERVICE_PREFIX}{INFERENCE}"


@pytest.fixture
async def state(world: World) -> FleetState:
    """One replica of each kind; ``m`` is known, ``whisper_base`` too, ``bad`` has failed."""
    for known in (
        record("m"),
        record("whisper_base", task="automatic-speech-recognition"),
        record("bad", ModelState.FAILED, message="no such repo."),
        record("coming", ModelState.DOWNLOADING, progress=0.4),
    ):
        world.fleet.records[known.name] = known
    return await world.settled()


def only(order: Order, state: FleetState) -> Aim:
    (aim,) = aims_of(order, state)
    return aim


def test_instances_of_the_built_in_model_are_replicas(state: FleetState) -> None:
    aim = only(Order(("example",), number=3), state)
    assert (aim.target, aim.label, aim.previous, aim.wanted) == (TARGET, "example", 1, 3)


def test_model_is_found_however_it_is_spelt(state: FleetState) -> None:
    aim = only(Order(("Whisper-Base",), number=1), state)
    assert (aim.target, aim.service, aim.previous) == ("whisper_base", AUDIO, 0)


def test_model_named_twice_is_one(state: FleetState) -> None:
    assert len(aims_of(Order(("m", "m", "example"), number=1), state)) == 2


@pytest.mark.parametrize(
    ("action", "number", "wanted"),
    [
        (ScaleAction.SCALE_UP, 3, 3),
        (ScaleAction.SCALE_UP, None, 2),
        (ScaleAction.SCALE_UP, 0, 1),
        (ScaleAction.SCALE_DOWN, None, 0),
        (ScaleAction.SCALE_DOWN, 5, 1),
        (ScaleAction.ZERO_SCALE, 4, 0),
        (ScaleAction.LOAD_MODEL, None, 1),
        (None, 0, 0),
    ],
)
def test_action_means_a_number(
    state: FleetState, action: ScaleAction | None, number: int | None, wanted: int
) -> None:
    assert only(Order(("example",), number=number, action=action), state).wanted == wanted


def test_action_without_a_model_is_about_replicas(state: FleetState) -> None:
    aim = only(Order(number=2, action=ScaleAction.SCALE_UP), state)
    assert (aim.target, aim.label) == (TARGET, INFERENCE)
    audio = only(Order(service=AUDIO, number=2, action=ScaleAction.SCALE_UP), state)
    assert audio.service == AUDIO


def test_zero_without_a_model_is_about_everything(state: FleetState) -> None:
    aims = aims_of(Order(action=ScaleAction.ZERO_SCALE), state)
    assert [(a.service, a.wanted) for a in aims] == [(INFERENCE, 0), (AUDIO, 0)]


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (Order(), "model_name"),
        (Order(number=2), "model_name"),
        (Order(("m",)), "target_instances"),
        (Order(action=ScaleAction.LOAD_MODEL), "models"),
        (Order(action=ScaleAction.UNLOAD_MODEL), "models"),
        (Order(service="gateway", number=1), "service"),
    ],
)
def test_order_that_cannot_be_meant_names_the_field(
    state: FleetState, order: Order, field: str
) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        aims_of(order, state)
    assert caught.value.field == field


def test_unknown_model_is_not_found(state: FleetState) -> None:
    with pytest.raises(ModelNotFoundError):
        aims_of(Order(("nobody",), number=1), state)


def test_model_whose_download_failed_cannot_be_had(state: FleetState) -> None:
    with pytest.raises(ConflictError, match="no such repo"):
        aims_of(Order(("bad",), number=1), state)
    assert only(Order(("bad",), number=0), state).wanted == 0


def test_built_in_model_is_not_unloaded(state: FleetState) -> None:
    with pytest.raises(ConflictError) as caught:
        aims_of(Order(("example",), action=ScaleAction.UNLOAD_MODEL), state)
    assert caught.value.code == "model_built_in"


@pytest.mark.parametrize(
    "order", [Order(("m",), action=ScaleAction.UNLOAD_MODEL), Order(("m",), number=0)]
)
def test_pinned_model_is_not_unloaded(order: Order, state: FleetState) -> None:
    pinned = dataclasses.replace(state, pinned=frozenset({"m"}))
    with pytest.raises(ConflictError) as caught:
        aims_of(order, pinned)
    assert caught.value.code == "model_pinned"


def aim(wanted: int, *, previous: int = 1, target: str = TARGET) -> Aim:
    return Aim(target, "example", INFERENCE, previous, wanted, wanted)


@pytest.mark.parametrize(
    ("wanted", "previous", "most", "minimum", "instances", "limit"),
    [
        (3, 1, 4, 1, 3, None),
        (9, 1, 4, 1, 4, "memory"),
        (5, 3, 2, 1, 3, "memory"),
        (1, 1, 4, 2, 2, "min_replicas"),
        (0, 1, 4, 2, 0, None),
    ],
)
def test_bounds_cut_what_is_asked_for(
    wanted: int, previous: int, most: int, minimum: int, instances: int, limit: str | None
) -> None:
    found = limited(aim(wanted, previous=previous), (most, "memory"), minimum, force=False)
    assert (found.instances, found.limited_by) == (instances, limit)


def test_force_passes_the_bounds() -> None:
    assert limited(aim(9), (2, "memory"), 1, force=True).instances == 9


def test_minimum_of_replicas_does_not_bind_models() -> None:
    assert limited(aim(1, target="m"), (4, "cores"), 2, force=False).instances == 1


def test_steps_tell_what_will_be_done(state: FleetState) -> None:
    service = state.services[INFERENCE]
    assert planned_steps(aim(3), service, state) == [PlannedStep("start_replica", INFERENCE, 2)]
    assert planned_steps(aim(0), service, state) == [PlannedStep("stop_replica", INFERENCE, 1)]
    assert planned_steps(aim(1), service, state) == []
    of_model = Aim("m", "m", INFERENCE, 0, 2, 2)
    assert [(s.action, s.count) for s in planned_steps(of_model, service, state)] == [
        ("start_replica", 1),
        ("load_model", 2),
    ]
    coming = Aim("coming", "coming", INFERENCE, 0, 1, 1)
    assert planned_steps(coming, service, state)[0] == PlannedStep(
        "wait_for_download", INFERENCE, 1, "coming", "40% so far"
    )


def test_it_is_so_when_as_many_are_ready_and_nobody_moves(state: FleetState) -> None:
    assert is_reached(aim(1), state)
    assert not is_reached(aim(2), state)
    assert not is_reached(Aim("m", "m", INFERENCE, 0, 1, 1), state)
    assert is_reached(Aim("m", "m", INFERENCE, 1, 0, 0), state)


def test_none_that_a_request_has_ended_is_woken(state: FleetState) -> None:
    assert is_woken(aim(0), state)
    assert not is_woken(aim(1), state)
    asleep = dataclasses.replace(aim(0), target="m")
    assert not is_woken(asleep, state)
