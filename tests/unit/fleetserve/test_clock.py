import asyncio

import pytest

from fleetserve.clock import ManualClock, SystemClock


async def test_manual_clock_wakes_sleepers_in_the_order_of_their_time() -> None:
    clock, woken = ManualClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((seconds, clock.monotonic_s()))

    tasks = [asyncio.ensure_future(sleeper(s)) for s in (3.0, 1.0, 2.0)]
    await clock.advance(2.5)
    assert woken == [(1.0, 1.0), (2.0, 2.0)]
    await clock.advance(1.0)
    assert woken[-1] == (3.0, 3.0)
    assert clock.now_s() == 3.5
    await asyncio.gather(*tasks)


async def test_sleeper_that_sleeps_again_is_woken_in_the_same_advance() -> None:
    clock, ticks = ManualClock(100.0), []

    async def ticker() -> None:
        while True:
            await clock.sleep(1.0)
            ticks.append(clock.now_s())

    task = asyncio.ensure_future(ticker())
    await clock.advance(3.0)
    task.cancel()
    assert ticks == [101.0, 102.0, 103.0]


async def test_cancelled_sleeper_does_not_hold_up_the_others() -> None:
    clock = ManualClock()
    cancelled = asyncio.ensure_future(clock.sleep(1.0))
    kept = asyncio.ensure_future(clock.sleep(2.0))
    await asyncio.sleep(0)
    cancelled.cancel()
    await clock.advance(2.0)
    assert kept.done()


def test_moving_the_clock_needs_no_event_loop() -> None:
    clock = ManualClock(5.0)
    clock.move(2.0)
    assert (clock.now_s(), clock.monotonic_s()) == (7.0, 7.0)


async def test_system_clock_sleeps_at_least_as_long_as_asked() -> None:
    clock = SystemClock()
    begin_s = clock.monotonic_s()
    await clock.sleep(0.01)
    # The event loop may wake a timer up to one clock tick early.
    assert clock.monotonic_s() - begin_s >= 0.01 - 1e-3


def test_system_clock_counts_from_the_epoch() -> None:
    assert SystemClock().now_s() == pytest.approx(1.8e9, rel=0.2)
