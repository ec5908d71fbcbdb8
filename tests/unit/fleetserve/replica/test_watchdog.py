import asyncio

import pytest

from fleetserve.clock import ManualClock
from fleetserve.replica.slot import ComputeSlot
from fleetserve.replica.watchdog import EXIT_STATUS, GRACE_S, Watchdog


class Ending:
    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.statuses: list[int] = []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(100.0)


@pytest.fixture
def slot(clock: ManualClock) -> ComputeSlot:
    return ComputeSlot("cpu", clock)


@pytest.fixture
def ending() -> Ending:
    return Ending()


@pytest.fixture
def watchdog(slot: ComputeSlot, clock: ManualClock, ending: Ending) -> Watchdog:
    return Watchdog(
        slot,
        clock,
        stuck_s=30.0,
        on_stuck=ending.reasons.append,
        end=ending.statuses.append,
    )


def test_an_idle_slot_is_well(watchdog: Watchdog, clock: ManualClock) -> None:
    clock.move(1000.0)
    assert watchdog.reason() is None


async def test_a_stuck_unit_ends_the_process_after_the_grace(
    watchdog: Watchdog, slot: ComputeSlot, clock: ManualClock, ending: Ending
) -> None:
    task = asyncio.create_task(watchdog.run())
    slot._unit_since_s = clock.monotonic_s()
    await clock.advance(29.0)
    assert ending.reasons == []
    await clock.advance(2.0)
    assert len(ending.reasons) == 1
    assert "no compute progress for 31 s" in ending.reasons[0]
    assert ending.statuses == []
    await clock.advance(GRACE_S)
    assert ending.statuses == [EXIT_STATUS]
    await task


async def test_a_poisoned_device_ends_the_process(
    watchdog: Watchdog, slot: ComputeSlot, clock: ManualClock, ending: Ending
) -> None:
    task = asyncio.create_task(watchdog.run())
    slot.poison("illegal memory access")
    await clock.advance(1.0 + GRACE_S)
    assert "illegal memory access" in ending.reasons[0]
    assert ending.statuses == [EXIT_STATUS]
    await task


def test_a_dead_thread_is_noticed(watchdog: Watchdog, slot: ComputeSlot) -> None:
    slot.start()
    assert watchdog.reason() is None
    slot.stop()
    assert watchdog.reason() == "the compute thread is dead"
