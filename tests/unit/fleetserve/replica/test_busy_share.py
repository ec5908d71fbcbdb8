from collections import deque
from collections.abc import Callable

from fleetserve.clock import ManualClock
from fleetserve.replica.busy_share import BusyShare
from fleetserve.replica.slot import ComputeSlot


class Source:
    name = "m"

    def __init__(self) -> None:
        self.units: deque[Callable[[], None]] = deque()

    def take(self) -> Callable[[], None] | None:
        return self.units.popleft() if self.units else None

    def waiting(self) -> int:
        return len(self.units)


def compute(slot: ComputeSlot, clock: ManualClock, seconds: float) -> None:
    source = Source()
    source.units.append(lambda: clock.move(seconds))
    slot.add(source)
    slot._run_one()


def test_share_is_of_the_time_since_the_last_measurement() -> None:
    clock = ManualClock()
    slot = ComputeSlot("cpu", clock)
    busy = BusyShare(slot, clock)
    compute(slot, clock, 0.25)
    clock.move(0.75)
    assert busy.share() == 0.25
    clock.move(1.0)
    assert busy.share() == 0.0


def test_asked_again_at_once_it_says_the_same() -> None:
    clock = ManualClock()
    slot = ComputeSlot("cpu", clock)
    busy = BusyShare(slot, clock)
    compute(slot, clock, 1.0)
    assert busy.share() == 1.0
    clock.move(0.1)
    assert busy.share() == 1.0


def test_unit_at_work_counts() -> None:
    clock = ManualClock()
    slot = ComputeSlot("cpu", clock)
    busy, seen = BusyShare(slot, clock), []
    source = Source()

    def unit() -> None:
        clock.move(2.0)
        seen.append(busy.share())

    source.units.append(unit)
    slot.add(source)
    slot._run_one()
    assert seen == [1.0]
