import asyncio
import threading
from collections.abc import Generator, Iterator, Sequence

import pytest

from fleetserve.clock import ManualClock, SystemClock
from fleetserve.errors import ShedError, UnavailableError
from fleetserve.replica.jobs import AGING_S, JobNote, JobSource
from fleetserve.replica.shared_step import SharedStep
from fleetserve.replica.slot import ComputeSlot


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(100.0)


@pytest.fixture
def slot(clock: ManualClock) -> ComputeSlot:
    """Without its thread: the test runs it unit by unit."""
    return ComputeSlot("cpu", clock)


@pytest.fixture
def source(slot: ComputeSlot, clock: ManualClock) -> JobSource:
    return JobSource("m", slot, clock, max_active=2)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def run_all(slot: ComputeSlot) -> None:
    await settle()
    while slot._run_one():
        await settle()


async def test_a_function_gives_its_result(slot: ComputeSlot, source: JobSource) -> None:
    note = JobNote()
    task = asyncio.create_task(source.run(lambda: 6 * 7, note=note))
    await run_all(slot)
    assert await task == 42
    assert (note.submitted_s, note.started_s, note.steps) == (100.0, 100.0, 1)


async def test_a_function_that_fails_raises_to_who_asked(
    slot: ComputeSlot, source: JobSource
) -> None:
    task = asyncio.create_task(source.run(lambda: 1 // 0))
    await run_all(slot)
    with pytest.raises(ZeroDivisionError):
        await task


async def test_a_short_job_is_not_held_up_by_a_long_one(
    slot: ComputeSlot, source: JobSource, clock: ManualClock
) -> None:
    order: list[str] = []

    def steps(name: str, count: int) -> Generator[None, None, str]:
        for _ in range(count):
            clock.move(1.0)
            order.append(name)
            yield
        return name

    long = asyncio.create_task(source.run_steps(lambda: steps("long", 8)))
    await settle()
    slot._run_one()
    slot._run_one()
    short = asyncio.create_task(source.run_steps(lambda: steps("short", 2)))
    await run_all(slot)
    assert (await long, await short) == ("long", "short")
    assert order[:5] == ["long", "long", "short", "short", "long"]


async def test_no_more_jobs_than_allowed_are_begun(slot: ComputeSlot, source: JobSource) -> None:
    begun: list[int] = []

    def steps(number: int) -> Generator[None, None, None]:
        begun.append(number)
        yield
        yield

    tasks = [
        asyncio.create_task(source.run_steps(lambda number=number: steps(number)))  # type: ignore[misc]
        for number in range(4)
    ]
    await settle()
    for _ in range(4):
        slot._run_one()
    assert begun == [0, 1]
    await run_all(slot)
    await asyncio.gather(*tasks)
    assert begun == [0, 1, 2, 3]


async def test_priority_goes_first_and_waiting_raises_it(
    slot: ComputeSlot, clock: ManualClock
) -> None:
    source = JobSource("m", slot, clock, max_active=1)
    order: list[str] = []
    old = asyncio.create_task(source.run(lambda: order.append("old"), priority=0))
    await settle()
    clock.move(3 * AGING_S)
    low = asyncio.create_task(source.run(lambda: order.append("low"), priority=1))
    high = asyncio.create_task(source.run(lambda: order.append("high"), priority=2))
    await run_all(slot)
    await asyncio.gather(old, low, high)
    assert order == ["old", "high", "low"]


async def test_a_cancelled_job_is_closed_between_steps(
    slot: ComputeSlot, source: JobSource
) -> None:
    closed: list[bool] = []

    def steps() -> Generator[None, None, None]:
        try:
            while True:
                yield
        finally:
            closed.append(True)

    task = asyncio.create_task(source.run_steps(steps))
    await settle()
    slot._run_one()
    task.cancel()
    await settle()
    assert not slot._run_one()
    assert closed == [True]


async def test_a_job_cancelled_before_its_turn_never_runs(
    slot: ComputeSlot, source: JobSource
) -> None:
    ran: list[bool] = []
    task = asyncio.create_task(source.run(lambda: ran.append(True)))
    await settle()
    task.cancel()
    await run_all(slot)
    assert ran == []


async def test_a_generator_that_fails_to_close_stops_nobody(
    slot: ComputeSlot, source: JobSource
) -> None:
    def steps() -> Generator[None, None, None]:
        try:
            yield
            yield
        finally:
            raise ValueError("cleaning up failed")

    task = asyncio.create_task(source.run_steps(steps))
    await settle()
    slot._run_one()
    task.cancel()
    other = asyncio.create_task(source.run(lambda: "fine"))
    await run_all(slot)
    assert await other == "fine"


async def test_a_stream_gives_its_items_in_order(slot: ComputeSlot, source: JobSource) -> None:
    stream = source.stream(lambda: iter("abc"))
    reader = asyncio.create_task(collect(stream))
    await run_all(slot)
    assert await reader == ["a", "b", "c"]


class Choir:
    """Takes steps of several counters at once; one that is to fail always does."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def advance(self, counters: Sequence[list[int]]) -> None:
        self.sizes.append(len(counters))
        if any(counter[0] < 0 for counter in counters):
            raise ValueError("sings out of tune")
        for counter in counters:
            counter[0] += 1

    def sing(self, start: int = 0, steps: int = 3) -> Generator[SharedStep, None, int]:
        counter = [start]
        for _ in range(steps):
            yield SharedStep(self.advance, [counter])
        return counter[0]


async def test_jobs_take_shared_steps_together(slot: ComputeSlot, source: JobSource) -> None:
    choir, notes = Choir(), [JobNote(), JobNote()]
    tasks = [asyncio.create_task(source.run_steps(choir.sing, note=note)) for note in notes]
    await run_all(slot)
    assert [await task for task in tasks] == [3, 3]
    assert choir.sizes == [2, 2, 2]
    assert [note.batch_size for note in notes] == [2, 2]


async def test_a_job_joins_the_others_between_steps(slot: ComputeSlot, source: JobSource) -> None:
    choir = Choir()
    first = asyncio.create_task(source.run_steps(choir.sing))
    await settle()
    for _ in range(2):
        slot._run_one()
    late = asyncio.create_task(source.run_steps(choir.sing))
    await run_all(slot)
    assert (await first, await late) == (3, 3)
    assert choir.sizes == [1, 2, 2, 1]


async def test_who_fails_in_a_shared_step_fails_alone(slot: ComputeSlot, source: JobSource) -> None:
    choir = Choir()
    good = asyncio.create_task(source.run_steps(choir.sing))
    bad = asyncio.create_task(source.run_steps(lambda: choir.sing(start=-5)))
    await run_all(slot)
    assert await good == 3
    with pytest.raises(ValueError, match="out of tune"):
        await bad


async def test_who_left_is_not_in_the_next_shared_step(
    slot: ComputeSlot, source: JobSource
) -> None:
    choir = Choir()
    tasks = [asyncio.create_task(source.run_steps(choir.sing)) for _ in range(2)]
    await settle()
    for _ in range(3):
        slot._run_one()
    tasks[0].cancel()
    await run_all(slot)
    assert await tasks[1] == 3
    assert choir.sizes == [2, 1, 1]


async def test_a_shared_step_is_no_item_of_a_stream(slot: ComputeSlot, source: JobSource) -> None:
    choir = Choir()

    def steps() -> Iterator[str | SharedStep]:
        yield SharedStep(choir.advance, [[0]])
        yield "a"

    stream = source.stream(steps)
    reader = asyncio.create_task(collect(stream))
    await run_all(slot)
    assert await reader == ["a"]
    assert choir.sizes == [1]


async def test_a_rest_is_no_item_of_a_stream(slot: ComputeSlot, source: JobSource) -> None:
    stream = source.stream(lambda: iter([None, "a", None, None, "b"]), ahead=1)
    reader = asyncio.create_task(collect(stream))
    await run_all(slot)
    assert await reader == ["a", "b"]


async def collect(stream: object) -> list[str]:
    return [item async for item in stream]  # type: ignore[attr-defined]


async def test_a_slow_reader_stops_the_work_until_it_reads(
    slot: ComputeSlot, source: JobSource
) -> None:
    made: list[int] = []

    def steps() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            yield number

    stream = source.stream(steps, ahead=2)
    await run_all(slot)
    assert made == [0, 1]
    assert await anext(stream) == 0
    await run_all(slot)
    assert made == [0, 1, 2]
    await stream.aclose()
    await run_all(slot)
    assert made == [0, 1, 2]


async def test_slow_readers_do_not_keep_others_from_starting(
    slot: ComputeSlot, source: JobSource
) -> None:
    streams = [source.stream(lambda: iter(range(10)), ahead=1) for _ in range(2)]
    await run_all(slot)
    task = asyncio.create_task(source.run(lambda: "through"))
    await run_all(slot)
    assert await task == "through"
    for stream in streams:
        await stream.aclose()


async def test_closing_sheds_what_waits_and_fails_what_has_begun(
    slot: ComputeSlot, clock: ManualClock
) -> None:
    source = JobSource("m", slot, clock, max_active=1)

    def steps() -> Generator[None, None, None]:
        while True:
            yield

    begun = asyncio.create_task(source.run_steps(steps))
    waiting = asyncio.create_task(source.run(lambda: 1))
    await settle()
    slot._run_one()
    source.close()
    await run_all(slot)
    with pytest.raises(UnavailableError) as failed:
        await begun
    assert not isinstance(failed.value, ShedError)
    with pytest.raises(ShedError):
        await waiting
    with pytest.raises(ShedError):
        await source.run(lambda: 1)


async def test_generators_live_in_the_compute_thread_only() -> None:
    slot = ComputeSlot("real", SystemClock())
    slot.start()
    source = JobSource("m", slot, SystemClock())
    threads: set[str] = set()

    def steps() -> Generator[None, None, str]:
        threads.add(threading.current_thread().name)
        try:
            yield
        finally:
            threads.add(threading.current_thread().name)
        return "done"

    try:
        async with asyncio.timeout(10):
            assert await source.run_steps(steps) == "done"
    finally:
        slot.stop()
    assert threads == {"compute-real"}


async def test_what_has_not_begun_is_counted(slot: ComputeSlot, source: JobSource) -> None:
    tasks = [asyncio.create_task(source.run(lambda: 1)) for _ in range(4)]
    await settle()
    assert slot.waiting() == 4
    slot._run_one()
    assert slot.waiting() == 2
    await run_all(slot)
    assert slot.waiting() == 0
    assert await asyncio.gather(*tasks) == [1, 1, 1, 1]


async def test_jobs_in_the_background_leave_the_places_of_the_others_free(
    slot: ComputeSlot, source: JobSource, clock: ManualClock
) -> None:
    order: list[str] = []

    def steps(name: str, count: int) -> Generator[None, None, None]:
        for _ in range(count):
            order.append(name)
            clock.move(1.0)
            yield

    slow = [
        asyncio.create_task(source.run_steps(lambda: steps("slow", 40), priority=-11))
        for _ in range(3)
    ]
    await settle()
    for _ in range(4):
        slot._run_one()
    asked = asyncio.create_task(source.run_steps(lambda: steps("asked", 5)))
    await run_all(slot)
    await asyncio.gather(asked, *slow)
    assert order[4:9] == ["asked"] * 5
    assert order.count("slow") == 120


async def test_job_in_the_background_still_gets_its_tenth(
    slot: ComputeSlot, source: JobSource, clock: ManualClock
) -> None:
    order: list[str] = []

    def steps(name: str) -> Generator[None, None, None]:
        while len(order) < 110:
            order.append(name)
            clock.move(1.0)
            yield

    tasks = [
        asyncio.create_task(source.run_steps(lambda: steps("slow"), priority=-1)),
        asyncio.create_task(source.run_steps(lambda: steps("asked"))),
    ]
    await run_all(slot)
    await asyncio.gather(*tasks)
    assert 9 <= order.count("slow") <= 11
