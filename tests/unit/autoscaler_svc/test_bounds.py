import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler_svc.bounds import (
    MOST_BY_HAND,
    Bounds,
    Limits,
    Room,
    bounds_by_load,
    most_by_hand,
)

ROOM = Room(cores=4, free_mb=100_000.0, gpus=0)
LIMITS = Limits()

rooms = st.builds(Room, st.integers(1, 128), st.floats(-1, 200_000), st.integers(0, 8))
limits = st.builds(
    Limits, st.integers(0, 64), st.integers(0, 64), st.floats(0, 4096), st.booleans()
)
counts = st.integers(0, 64)
sizes = st.floats(0, 20_000)


def by_load(
    limits: Limits = LIMITS, room: Room = ROOM, *, floor: int = 0, current: int = 1
) -> Bounds:
    return bounds_by_load(
        limits, room, floor=floor, floor_reason="manual", current=current, replica_mb=1000.0
    )


class TestByLoad:
    def test_one_replica_for_each_core_by_default(self) -> None:
        assert by_load() == Bounds(1, "min_replicas", 4, "cores")

    def test_many_cores_allow_no_more_than_can_be_asked_for_by_hand(self) -> None:
        assert by_load(room=dataclasses.replace(ROOM, cores=96)).upper == MOST_BY_HAND

    def test_gpus_count_instead_of_cores(self) -> None:
        found = by_load(room=dataclasses.replace(ROOM, gpus=2))
        assert (found.upper, found.upper_reason) == (2, "gpus")

    def test_configured_maximum_counts_instead_of_cores(self) -> None:
        found = by_load(Limits(maximum=12))
        assert (found.upper, found.upper_reason) == (12, "max_replicas")

    def test_machine_without_known_cores_allows_one(self) -> None:
        assert by_load(room=dataclasses.replace(ROOM, cores=0)).upper == 1

    def test_memory_beyond_the_reserve_is_room_for_more(self) -> None:
        found = by_load(room=dataclasses.replace(ROOM, free_mb=512.0 + 1999.0), current=2)
        assert (found.upper, found.upper_reason) == (3, "memory")

    @pytest.mark.parametrize("free_mb", [0.0, 100.0, 512.0, 1511.0])
    def test_scarce_memory_leaves_what_is_there(self, free_mb: float) -> None:
        found = by_load(room=dataclasses.replace(ROOM, free_mb=free_mb), current=3)
        assert (found.upper, found.upper_reason) == (3, "memory")

    def test_unknown_memory_bounds_nothing(self) -> None:
        assert by_load(room=dataclasses.replace(ROOM, free_mb=-1.0)).upper_reason == "cores"

    def test_floor_over_the_minimum_is_named(self) -> None:
        found = by_load(floor=3)
        assert (found.lower, found.lower_reason) == (3, "manual")

    def test_floor_at_the_minimum_is_the_minimums(self) -> None:
        assert by_load(Limits(minimum=2), floor=2).lower_reason == "min_replicas"

    def test_minimum_of_none_keeps_one_while_zero_is_off(self) -> None:
        assert by_load(Limits(minimum=0)).lower == 1

    def test_zero_is_allowed_where_the_limits_say_so(self) -> None:
        assert by_load(Limits(minimum=2, may_be_zero=True)).lower == 0


class TestByHand:
    def test_ten_without_a_configured_maximum(self) -> None:
        found = most_by_hand(LIMITS, ROOM, current=1, replica_mb=1000.0)
        assert found == (MOST_BY_HAND, "max_replicas")

    def test_configured_maximum_counts(self) -> None:
        found = most_by_hand(Limits(maximum=3), ROOM, current=1, replica_mb=1000.0)
        assert found == (3, "max_replicas")

    def test_memory_limits_it(self) -> None:
        room = dataclasses.replace(ROOM, free_mb=2600.0)
        assert most_by_hand(LIMITS, room, current=1, replica_mb=1000.0) == (3, "memory")

    def test_cores_do_not(self) -> None:
        room = dataclasses.replace(ROOM, cores=1)
        assert most_by_hand(LIMITS, room, current=1, replica_mb=1000.0)[0] == MOST_BY_HAND


@given(limits, rooms, counts, counts, sizes)
def test_floor_is_always_granted(
    limits: Limits, room: Room, floor: int, current: int, replica_mb: float
) -> None:
    found = bounds_by_load(
        limits,
        room,
        floor=floor,
        floor_reason="manual",
        current=current,
        replica_mb=replica_mb,
    )
    assert found.lower >= floor
    assert found.lower >= 1 or limits.may_be_zero
    assert not limits.maximum or found.upper <= limits.maximum


@given(limits, rooms, counts, sizes, st.floats(0, 100_000))
def test_more_memory_never_allows_fewer(
    limits: Limits, room: Room, current: int, replica_mb: float, more_mb: float
) -> None:
    known = dataclasses.replace(room, free_mb=max(0.0, room.free_mb))
    richer = dataclasses.replace(known, free_mb=known.free_mb + more_mb)
    before = most_by_hand(limits, known, current=current, replica_mb=replica_mb)
    after = most_by_hand(limits, richer, current=current, replica_mb=replica_mb)
    assert after[0] >= before[0]
