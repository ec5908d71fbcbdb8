import asyncio

import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import UnavailableError
from gateway.replica_table import ReplicaTable
from gateway.waiting_room import WaitingRoom
from tests.unit.gateway.fleet import announced


def test_place_is_counted_while_it_is_taken(room: WaitingRoom) -> None:
    with room.place("a", 100, "loading"), room.place("a", 50, "loading"), room.place("b", 0, ""):
        assert (room.held, room.held_bytes) == (3, 150)
        assert room.demand == {"a": 2, "b": 1}
    assert (room.held, room.held_bytes, room.demand) == (0, 0, {})


def test_place_is_given_back_by_a_request_that_failed(room: WaitingRoom) -> None:
    with pytest.raises(ValueError, match="x"), room.place("a", 100, ""):
        raise ValueError("x")
    assert (room.held, room.held_bytes, room.demand) == (0, 0, {})


@pytest.mark.parametrize(("requests", "size"), [(4, 0), (1, 501)])
def test_full_room_says_why_the_request_had_to_wait(
    room: WaitingRoom, requests: int, size: int
) -> None:
    places = [room.place("m", size, "") for _ in range(requests)]
    for place in places:
        place.__enter__()
    with pytest.raises(UnavailableError, match=r"downloading 40%") as caught:
        room.place("m", 500, "downloading 40%").__enter__()
    assert caught.value.code == "waiting_room_full"
    assert "Retry-After" in caught.value.headers
    assert room.held == requests
    for place in places:
        place.__exit__(None, None, None)


async def test_wait_ends_with_a_change(
    room: WaitingRoom, table: ReplicaTable, clock: ManualClock
) -> None:
    waiting = asyncio.ensure_future(room.next_change(clock.monotonic_s() + 10.0))
    await clock.advance(9.0)
    assert not waiting.done()
    table.update(announced())
    assert await waiting


async def test_change_in_the_same_moment_is_not_missed(
    room: WaitingRoom, table: ReplicaTable, clock: ManualClock
) -> None:
    waiting = asyncio.ensure_future(room.next_change(clock.monotonic_s() + 10.0))
    await asyncio.sleep(0)
    table.notify()
    assert await waiting


async def test_wait_ends_with_its_time(room: WaitingRoom, clock: ManualClock) -> None:
    waiting = asyncio.ensure_future(room.next_change(clock.monotonic_s() + 10.0))
    await clock.advance(10.0)
    assert not await waiting


async def test_time_that_is_over_is_not_waited_for(room: WaitingRoom, clock: ManualClock) -> None:
    assert not await room.next_change(clock.monotonic_s())


async def test_wait_that_is_cancelled_leaves_nothing_running(
    room: WaitingRoom, clock: ManualClock
) -> None:
    before = asyncio.all_tasks()
    waiting = asyncio.ensure_future(room.next_change(clock.monotonic_s() + 10.0))
    await clock.advance(1.0)
    waiting.cancel()
    await clock.advance(0.0)
    assert asyncio.all_tasks() == before
