import dataclasses

import pytest

from autoscaler_svc.census import Member, MemberState
from autoscaler_svc.fleet_state import FleetState, ServiceState
from autoscaler_svc.intents.base import Floor
from autoscaler_svc.policy import Decision
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, member, record, told
from tests.unit.autoscaler_svc.world import World

READY, STARTING, LEAVING = MemberState.READY, MemberState.STARTING, MemberState.LEAVING
STRANGER = Member(INFERENCE, READY, None, told("s"))


@pytest.fixture
async def state(world: World) -> FleetState:
    world.fleet.records["m"] = record("m")
    return await world.settled()


def service(state: FleetState, desired: int, *members: Member, starting: int = 0) -> ServiceState:
    one = state.services[INFERENCE]
    decision = dataclasses.replace(one.assessment.decision, desired=desired)
    assert isinstance(decision, Decision)
    assessment = dataclasses.replace(
        one.assessment,
        decision=decision,
        situation=dataclasses.replace(one.assessment.situation, members=members),
    )
    return dataclasses.replace(one, assessment=assessment, members=members, starting=starting)


def test_settled_is_as_many_as_wanted_and_nobody_on_the_move(state: FleetState) -> None:
    assert service(state, 2, member("a"), member("b")).settled
    assert not service(state, 3, member("a"), member("b")).settled
    assert not service(state, 1, member("a"), member("b")).settled
    assert not service(state, 2, member("a"), member("b", STARTING)).settled
    assert not service(state, 1, member("a"), member("b", LEAVING)).settled
    assert not service(state, 1, member("a"), starting=1).settled


def test_stranger_serves_and_disturbs_nobody(state: FleetState) -> None:
    assert service(state, 1, member("a"), STRANGER).settled
    assert service(state, 2, member("a"), STRANGER).settled
    assert not service(state, 3, member("a"), STRANGER).settled


def test_those_on_their_way_are_live(state: FleetState) -> None:
    found = service(state, 3, member("a"), member("b", STARTING), starting=1)
    assert (found.live, found.ready) == (3, 1)


def test_models_are_the_registrys_and_the_built_in_ones(state: FleetState) -> None:
    assert state.known_models() == {"example", "tiny_stt", "tiny_tts", "m"}


def test_scalings_are_known_by_their_floors(state: FleetState) -> None:
    floors = {"m": Floor("m", INFERENCE, 1, 0.0, "s1")}
    assert dataclasses.replace(state, floors=floors).known_scalings == {"s1"}
