import dataclasses

import pytest

from autoscaler_svc.bounds import Room
from autoscaler_svc.census import Member
from autoscaler_svc.intents.base import SERVICE_PREFIX, Floor
from autoscaler_svc.policy import Cause
from autoscaler_svc.service_scaler import Assessment, Floors, ServiceScaler, Situation
from fleetserve.config import AutoscalerConfig
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, member

TARGET = f"{SERVICE_PREFIX}{INFERENCE}"
ROOM = Room(cores=4, free_mb=-1, gpus=0)


def floor(instances: int, *, force: bool = False) -> Floor:
    return Floor(TARGET, INFERENCE, instances, 0.0, "s1", "a test", force)


class Desk:
    """A scaler whose replicas are there as soon as they are wanted."""

    def __init__(self, **config: object) -> None:
        self.scaler = ServiceScaler(INFERENCE, AutoscalerConfig.model_validate(config))
        self.now_s = 1000.0
        self.floors = Floors(own=None, at_start=1)
        self.count = 1
        self.room = ROOM

    def members(self) -> list[Member]:
        return [member(f"r{i}") for i in range(self.count)]

    def tick(self, load: float = 0.0, held: int = 0) -> Assessment:
        self.now_s += 1.0
        situation = Situation(
            self.now_s, self.members(), load, held, self.floors, self.room, replica_mb=500.0
        )
        found = self.scaler.assess(situation)
        self.count = found.decision.desired
        return found

    def ticks(self, count: int, load: float = 0.0) -> Assessment:
        return [self.tick(load) for _ in range(count)][-1]


def test_burst_grows_within_seconds_and_shrinks_after_the_delay() -> None:
    desk = Desk()
    desk.ticks(60, load=1.0)
    desk.ticks(4, load=32.0)
    assert desk.count >= 2
    desk.ticks(6, load=32.0)
    assert desk.count == 4
    desk.ticks(20, load=1.0)
    assert desk.count == 4
    desk.ticks(70, load=1.0)
    assert desk.count == 1


def test_load_by_itself_stops_at_the_cores() -> None:
    desk = Desk()
    found = desk.ticks(60, load=500.0)
    assert (desk.count, found.decision.limited_by) == (4, "cores")


def test_floor_by_hand_passes_the_cores_and_not_the_maximum() -> None:
    desk = Desk()
    desk.floors = Floors(floor(7), at_start=1)
    assert desk.tick().decision.desired == 7
    desk = Desk(max_replicas=5)
    desk.floors = Floors(floor(7), at_start=1)
    assert desk.tick().decision.desired == 5
    desk.floors = Floors(floor(7, force=True), at_start=1)
    assert desk.tick().decision.desired == 7


def test_fleets_own_replicas_stay_unless_fewer_are_asked_for() -> None:
    desk = Desk()
    desk.count, desk.floors = 3, Floors(None, at_start=3)
    desk.ticks(100)
    assert desk.count == 3
    desk.floors = Floors(floor(2), at_start=3)
    desk.scaler.forget(desk.now_s)
    assert desk.tick().decision.desired == 2


def test_model_asked_for_keeps_its_replicas() -> None:
    desk = Desk()
    desk.floors = Floors(None, at_start=1, models=3)
    assert desk.tick().decision.desired == 3
    desk.floors = Floors(None, at_start=1, packing=2)
    assert desk.tick().snapshot.bounds.lower_reason == "models"


def test_order_by_hand_is_obeyed_without_delay() -> None:
    desk = Desk()
    desk.ticks(40, load=30.0)
    assert desk.count == 4
    desk.floors = Floors(floor(1), at_start=1)
    desk.scaler.forget(desk.now_s)
    assert desk.tick().decision.desired == 1


def test_after_a_restart_nothing_is_taken_away_before_the_load_is_known() -> None:
    desk = Desk()
    desk.count = 3
    found = desk.ticks(25)
    assert (found.decision.desired, found.decision.cause) == (3, Cause.LEARNING)
    assert desk.ticks(10).decision.desired == 1


def test_fleet_goes_to_zero_and_wakes() -> None:
    desk = Desk(scale_to_zero=True, idle_to_zero_s=60.0)
    desk.ticks(59)
    assert desk.count == 1
    desk.ticks(5)
    assert desk.count == 0
    desk.ticks(50)
    found = desk.tick(load=0.3, held=1)
    assert (found.decision.desired, found.decision.cause) == (1, Cause.WAKE)
    assert desk.ticks(20).decision.desired == 1


def test_zero_goes_below_what_the_fleet_began_with_but_not_below_a_floor() -> None:
    desk = Desk(scale_to_zero=True, idle_to_zero_s=60.0)
    desk.floors, desk.count = Floors(None, at_start=2), 2
    desk.ticks(100)
    assert desk.count == 0
    desk = Desk(scale_to_zero=True, idle_to_zero_s=60.0)
    desk.floors = Floors(floor(1), at_start=1)
    desk.ticks(100)
    assert desk.count == 1


class TestNoneByHand:
    def test_none_stay_until_a_request_waits(self) -> None:
        desk = Desk()
        desk.floors = Floors(floor(0), at_start=1)
        found = desk.tick()
        assert (found.decision.desired, found.decision.cause) == (0, Cause.ASLEEP)
        assert "a test" in found.decision.reason
        assert desk.ticks(50).decision.desired == 0

    def test_what_is_in_flight_does_not_hold_it_up(self) -> None:
        desk = Desk()
        desk.floors = Floors(floor(0), at_start=1)
        assert desk.tick(load=3.0).decision.desired == 0

    def test_waiting_request_ends_it(self) -> None:
        desk = Desk()
        desk.floors = Floors(floor(0), at_start=1)
        desk.tick()
        found = desk.tick(load=0.2, held=1)
        assert found.decision.desired == 1
        assert found.woken == floor(0)


def test_switched_off_the_floor_alone_decides() -> None:
    desk = Desk(enabled=False)
    desk.ticks(30, load=100.0)
    assert desk.count == 1
    desk.floors = Floors(floor(3), at_start=1)
    assert desk.tick().decision.desired == 3


def test_memory_bounds_growth() -> None:
    desk = Desk()
    desk.room = Room(cores=8, free_mb=512 + 700, gpus=0)
    desk.ticks(1, load=500.0)
    found = desk.tick(load=500.0)
    assert found.decision.limited_by == "memory"


def test_changed_configuration_holds_at_once() -> None:
    desk = Desk()
    desk.ticks(10, load=32.0)
    assert desk.count == 4
    desk.scaler.configure(AutoscalerConfig(max_replicas=2))
    assert desk.tick(load=32.0).decision.desired == 2


def test_inputs_tell_what_the_decision_was_made_from() -> None:
    inputs = dict(Desk().tick(load=2.0).inputs())
    assert inputs["load"] == 2.0
    assert inputs["upper_reason"] == "cores"
    assert {"current", "ready", "wanted", "stable_load", "held", "lower", "free_mb"} <= set(inputs)


@pytest.mark.parametrize(("starting", "current"), [(0, 1), (2, 3)])
def test_those_on_their_way_count_as_there(starting: int, current: int) -> None:
    desk = Desk()
    situation = Situation(1001.0, desk.members(), 0.0, 0, desk.floors, ROOM, starting=starting)
    assert desk.scaler.assess(situation).snapshot.current == current


def test_more_can_be_asked_for_than_load_starts() -> None:
    scaler = Desk().scaler
    assert scaler.most_by_hand(ROOM, 1, 500.0) == (10, "max_replicas")
    tight = dataclasses.replace(ROOM, free_mb=1600.0)
    assert scaler.most_by_hand(tight, 1, 500.0) == (3, "memory")
