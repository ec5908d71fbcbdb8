import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest

from fleetserve.clock import ManualClock
from fleetserve.replica.rest import Rest
from fleetserve.replica.slot import ComputeSlot


class Kept:
    """A slot, and how often its memory was given back."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.slot = ComputeSlot("cpu", self.clock)
        self.times = 0
        self.rest = Rest(self.slot, self.clock, self._call, self._give_back)

    def compute(self) -> None:
        self.slot.progress += 1

    def _give_back(self) -> None:
        self.times += 1

    async def _call(self, function: Callable[[], None]) -> None:
        function()


@pytest.fixture
def kept() -> Kept:
    return Kept()


async def test_memory_goes_back_once_after_each_time_of_work(kept: Kept) -> None:
    for wanted in (1, 2):
        kept.compute()
        await kept.rest.look()
        assert kept.times == wanted - 1
        for _ in range(3):
            await kept.rest.look()
        assert kept.times == wanted


async def test_nothing_is_given_back_while_there_is_work(kept: Kept) -> None:
    for _ in range(3):
        kept.compute()
        await kept.rest.look()
    assert kept.times == 0


async def test_nothing_was_computed_nothing_goes_back(kept: Kept) -> None:
    await kept.rest.look()
    await kept.rest.look()
    assert kept.times == 0


async def test_a_long_piece_of_work_is_no_rest(kept: Kept) -> None:
    kept.compute()
    await kept.rest.look()
    kept.slot.add(LongWork(kept))
    kept.slot._run_one()
    assert kept.times == 0


class LongWork:
    """One unit, within which the clock goes on and it is looked."""

    name = "m"

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def take(self) -> Callable[[], None] | None:
        return self._work

    def waiting(self) -> int:
        return 1

    def _work(self) -> None:
        self._kept.clock.move(60.0)
        with suppress(StopIteration):
            self._kept.rest.look().send(None)


# A piece that stays at the heap's end keeps the whole with the allocator otherwise. In a process of
# its own, since this one may have room on its heap.
FILL_AND_GIVE_BACK = """
from fleetserve.replica.memory import give_back_heap, resident_bytes
before = resident_bytes()
pieces = [bytes(2000) for _ in range(100_000)]
held = resident_bytes()
kept_alive = pieces[-1]
del pieces
give_back_heap()
print(held - before, resident_bytes() - before, len(kept_alive))
"""


def test_heap_is_given_back() -> None:
    told = subprocess.run(
        [sys.executable, "-c", FILL_AND_GIVE_BACK], check=True, capture_output=True
    )
    held, left, _kept = map(int, told.stdout.split())
    assert held > 150e6
    assert left < 50e6
