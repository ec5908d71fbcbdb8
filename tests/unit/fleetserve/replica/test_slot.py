import threading
from collections import deque
from collections.abc import Callable, Iterator

import pytest

from fleetserve.clock import ManualClock, SystemClock
from fleetserve.errors import ShedError
from fleetserve.replica.slot import ComputeSlot

WAIT_S = 10.0


class Source:
    """Units from a list; what the test puts in."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.units: deque[Callable[[], None]] = deque()

    def take(self) -> Callable[[], None] | None:
        return self.units.popleft() if self.units else None

    def waiting(self) -> int:
        return len(self.units)


class Broken(Source):
    def take(self) -> Callable[[], None] | None:
        raise ValueError("take failed")


@pytest.fixture
def slot() -> Iterator[ComputeSlot]:
    """A slot whose thread runs."""
    slot = ComputeSlot("cpu", SystemClock())
    slot.start()
    yield slot
    slot.stop()


@pytest.fixture
def still() -> ComputeSlot:
    """A slot without its thread, run unit by unit by the test."""
    return ComputeSlot("cpu", ManualClock())


def run(slot: ComputeSlot) -> bool:
    return slot._run_one()


def test_work_is_done_in_the_compute_thread(slot: ComputeSlot) -> None:
    done = threading.Event()
    threads: list[str] = []
    source = Source("m")
    slot.add(source)

    def unit() -> None:
        threads.append(threading.current_thread().name)
        done.set()

    source.units.append(unit)
    slot.wake()
    assert done.wait(WAIT_S)
    assert threads == ["compute-cpu"]


def test_no_wake_up_is_lost(slot: ComputeSlot) -> None:
    source = Source("m")
    slot.add(source)
    for _ in range(2000):
        done = threading.Event()
        source.units.append(done.set)
        slot.wake()
        assert done.wait(WAIT_S)


def test_a_call_gives_its_result_or_its_error(slot: ComputeSlot) -> None:
    assert slot.call(lambda: 42).result(WAIT_S) == 42
    with pytest.raises(ZeroDivisionError):
        slot.call(lambda: 1 // 0).result(WAIT_S)


def test_a_unit_or_a_source_that_fails_ends_nothing(slot: ComputeSlot) -> None:
    source = Source("m")
    source.units.append(lambda: 1 // 0)  # type: ignore[arg-type]
    slot.add(source)
    slot.add(Broken("b"))
    assert slot.call(lambda: "alive").result(WAIT_S) == "alive"
    assert slot.alive


def test_a_stopped_slot_takes_no_calls() -> None:
    slot = ComputeSlot("cpu", SystemClock())
    slot.start()
    slot.stop()
    with pytest.raises(ShedError):
        slot.call(lambda: 1).result(WAIT_S)
    assert not slot.alive


def test_a_slot_that_was_never_started_stops_at_once(still: ComputeSlot) -> None:
    still.stop()
    assert still.alive


def test_units_are_shared_by_compute_time_not_by_count() -> None:
    clock = ManualClock()
    slot = ComputeSlot("cpu", clock)
    ran: list[str] = []
    for name, cost_s in (("slow", 4.0), ("quick", 1.0)):
        source = Source(name)

        def unit(name: str = name, cost_s: float = cost_s) -> None:
            ran.append(name)
            clock.move(cost_s)

        source.units.extend([unit] * 50)
        slot.add(source)
    for _ in range(40):
        assert run(slot)
    assert ran.count("quick") == pytest.approx(4 * ran.count("slow"), abs=4)


def test_calls_go_before_other_work(still: ComputeSlot) -> None:
    ran: list[str] = []
    source = Source("m")
    source.units.append(lambda: ran.append("unit"))
    still.add(source)
    still.call(lambda: ran.append("call"))
    while run(still):
        pass
    assert ran == ["call", "unit"]


def test_a_removed_source_is_not_asked(still: ComputeSlot) -> None:
    source = Source("m")
    still.add(source)
    still.remove(source)
    source.units.append(lambda: None)
    assert not run(still)
    assert len(source.units) == 1


def test_progress_counts_units_and_busy_is_the_time_of_the_one_at_work() -> None:
    clock = ManualClock(5.0)
    slot = ComputeSlot("cpu", clock)
    seen: list[float] = []

    def unit() -> None:
        clock.move(3.0)
        seen.append(slot.busy_s())

    source = Source("m")
    source.units.append(unit)
    slot.add(source)
    assert slot.busy_s() == 0.0
    run(slot)
    assert seen == [3.0]
    assert (slot.progress, slot.busy_s()) == (1, 0.0)


def test_the_first_reason_of_a_poisoned_slot_stays(still: ComputeSlot) -> None:
    still.poison("illegal memory access")
    still.poison("something later")
    assert still.poisoned == "illegal memory access"


def test_two_sources_of_one_name_do_not_take_each_others_place(still: ComputeSlot) -> None:
    old, new = Source("m@r1"), Source("m@r1")
    done: list[str] = []
    for source, told in ((old, "old"), (new, "new")):
        still.add(source)
        source.units.append(lambda told=told: done.append(told))  # type: ignore[misc]
    while run(still):
        pass
    assert sorted(done) == ["new", "old"]
    still.remove(old)
    new.units.append(lambda: done.append("new again"))
    assert run(still)
    assert done[-1] == "new again"


def test_what_waits_and_what_was_worked_are_told() -> None:
    clock = ManualClock()
    slot, source = ComputeSlot("cpu", clock), Source("m")
    slot.add(source)
    source.units += [lambda: clock.move(1.5), lambda: clock.move(0.5)]
    assert (slot.waiting(), slot.worked_s()) == (2, 0.0)
    run(slot)
    assert (slot.waiting(), slot.worked_s()) == (1, 1.5)
    run(slot)
    assert (slot.waiting(), slot.worked_s()) == (0, 2.0)
