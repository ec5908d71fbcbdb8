import asyncio

import pytest
from prometheus_client import CollectorRegistry

from autoscaler_svc.chronicle import Chronicle
from autoscaler_svc.journal.base import EntryKind
from autoscaler_svc.journal.memory import MemoryJournal
from autoscaler_svc.placement import Load, NoRoom, Unload
from autoscaler_svc.placer import RETRY_S, SETTLE_S, Placer
from autoscaler_svc.replica_calls.memory import MemoryReplicaCalls
from fleetserve.announcements import Announcement
from fleetserve.clock import ManualClock
from fleetserve.errors import DoesNotFitError
from fleetserve.metrics.requests import RequestMetrics
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, told

LOAD = Load("m", "rev", "r1", "so many are wanted")
REPLICAS: dict[str, Announcement] = {"r1": told("r1")}


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock(1000.0)
        self.calls = MemoryReplicaCalls()
        metrics = RequestMetrics("autoscaler-svc", "a1", CollectorRegistry())
        self.chronicle = Chronicle(MemoryJournal(), metrics, self.clock)
        self.placer = Placer(self.calls, self.chronicle, self.clock)

    async def carry_out(self, *steps: Load | Unload | NoRoom) -> None:
        self.placer.carry_out(INFERENCE, steps, REPLICAS)
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_steps_are_asked_of_the_replicas(bench: Bench) -> None:
    await bench.carry_out(LOAD, Unload("n", "rev", "r1", "unused"), NoRoom("x"))
    assert bench.calls.made == [("load", "r1", "m@rev"), ("unload", "r1", "n@rev")]
    kinds = [e.kind for e in await bench.chronicle.read(10)]
    assert kinds == [EntryKind.UNLOAD_MODEL, EntryKind.LOAD_MODEL]


async def test_step_is_not_repeated_before_it_can_show(bench: Bench) -> None:
    await bench.carry_out(LOAD)
    assert bench.placer.blocked() == {("m", "r1")}
    await bench.clock.advance(SETTLE_S)
    assert bench.placer.blocked() == set()


async def test_refused_step_is_tried_again_later_and_later(bench: Bench) -> None:
    bench.calls.failures["m"] = DoesNotFitError("r1: too large")
    await bench.carry_out(LOAD)
    await bench.clock.advance(RETRY_S - 1)
    assert bench.placer.blocked() == {("m", "r1")}
    await bench.clock.advance(1)
    assert bench.placer.blocked() == set()
    await bench.carry_out(LOAD)
    await bench.clock.advance(RETRY_S)
    assert bench.placer.blocked() == {("m", "r1")}
    await bench.clock.advance(RETRY_S)
    assert bench.placer.blocked() == set()


async def test_refusal_can_be_asked_for_and_forgiven(bench: Bench) -> None:
    bench.calls.failures["m"] = DoesNotFitError("r1: too large")
    await bench.carry_out(LOAD)
    refusal = bench.placer.refusal("m", since_s=1000.0)
    assert isinstance(refusal, DoesNotFitError)
    assert bench.placer.refusal("m", since_s=1001.0) is None
    assert bench.placer.refusal("n", since_s=0.0) is None
    bench.placer.forgive("m")
    assert bench.placer.blocked() == set()


async def test_success_forgets_the_refusal(bench: Bench) -> None:
    bench.calls.failures["m"] = DoesNotFitError("r1: too large")
    await bench.carry_out(LOAD)
    bench.calls.failures.clear()
    await bench.carry_out(LOAD)
    assert bench.placer.refusal("m", since_s=0.0) is None


async def test_replica_that_spares_what_was_used_meanwhile_has_refused_nothing(
    bench: Bench,
) -> None:
    bench.calls.wanted.add("m")
    await bench.carry_out(Unload("m", "rev", "r1", "unused for 60 s", idle_s=60.0))
    assert bench.calls.made == []
    assert bench.placer.refusal("m", since_s=0.0) is None
    assert await bench.chronicle.read(1) == []
    assert bench.placer.blocked() == {("m", "r1")}
    await bench.clock.advance(SETTLE_S)
    assert bench.placer.blocked() == set()


async def test_refusal_is_written(bench: Bench) -> None:
    bench.calls.failures["m"] = DoesNotFitError("r1: too large")
    await bench.carry_out(LOAD)
    entry = (await bench.chronicle.read(1))[0]
    assert (entry.kind, entry.subject, entry.reason) == (EntryKind.FAILED, "m", "r1: too large")
