import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import CollectorRegistry

from autoscaler_svc.census import Census, Member
from autoscaler_svc.chronicle import Chronicle
from autoscaler_svc.journal.memory import MemoryJournal
from autoscaler_svc.orchestrator.base import ReplicaSpec, Unit, UnitState
from autoscaler_svc.orchestrator.memory import MemoryOrchestrator
from autoscaler_svc.reconciler import RETRY_S, Reconciler
from autoscaler_svc.replica_calls.memory import MemoryReplicaCalls
from fleetserve.clock import ManualClock
from fleetserve.metrics.requests import RequestMetrics
from tests.unit.autoscaler_svc.fleet_parts import INFERENCE, told

SPEC = ReplicaSpec(INFERENCE)
START_S = 1000.0


class Bench:
    """A reconciler over memory; what the engine lists is passed on when ``look`` is called."""

    def __init__(self) -> None:
        self.clock = ManualClock(START_S)
        self.orchestrator = MemoryOrchestrator([INFERENCE])
        self.calls = MemoryReplicaCalls()
        self.journal = MemoryJournal()
        self.changes = 0
        metrics = RequestMetrics("autoscaler-svc", "a1", CollectorRegistry())
        self.chronicle = Chronicle(self.journal, metrics, self.clock)
        self.reconciler = Reconciler(
            self.orchestrator,
            self.calls,
            self.chronicle,
            self.clock,
            on_change=self._changed,
        )
        self.census = Census([INFERENCE])
        self.units: tuple[Unit, ...] = ()
        self.silent: set[str] = set()
        self.orchestrator.add_base(INFERENCE)

    def _changed(self) -> None:
        self.changes += 1

    async def look(self) -> None:
        since_s = self.clock.monotonic_s()
        self.units = tuple(await self.orchestrator.list())
        self.reconciler.listed(since_s)

    def members(self) -> tuple[Member, ...]:
        words = [told(u.replica_id) for u in self.units if u.replica_id not in self.silent]
        now_s = self.clock.monotonic_s()
        return self.census.take(self.units, words, self.reconciler.ending, now_s)[INFERENCE]

    async def want(self, desired: int, *, is_news: bool = True) -> None:
        """One round, on what was listed last."""
        await self.reconciler.reconcile(SPEC, desired, self.members(), 60.0, is_news=is_news)
        for _ in range(5):
            await asyncio.sleep(0)

    async def running(self) -> int:
        return sum(u.state is UnitState.RUNNING for u in await self.orchestrator.list())


@pytest.fixture
async def bench(anyio_backend: str) -> AsyncIterator[Bench]:
    bench = Bench()
    await bench.look()
    yield bench
    await bench.reconciler.close()


async def test_missing_replicas_are_started_once(bench: Bench) -> None:
    await bench.want(3)
    assert await bench.running() == 3
    # The list of before does not show them yet.
    await bench.want(3)
    assert await bench.running() == 3
    await bench.clock.advance(1.0)
    await bench.look()
    await bench.want(3)
    assert await bench.running() == 3
    assert bench.changes == 2


async def test_one_that_has_ended_and_is_still_listed_ends_no_other(bench: Bench) -> None:
    await bench.want(3)
    await bench.clock.advance(1.0)
    await bench.look()
    await bench.want(2)
    await bench.want(2)
    assert await bench.running() == 2
    await bench.clock.advance(1.0)
    await bench.look()
    await bench.want(2)
    assert await bench.running() == 2


async def test_slow_drain_holds_up_nothing(bench: Bench) -> None:
    await bench.want(2)
    await bench.clock.advance(1.0)
    await bench.look()
    bench.orchestrator.slow = True
    await bench.want(1)
    (ending,) = bench.reconciler.ending
    await bench.want(2)
    assert await bench.running() == 3
    bench.orchestrator.finish(ending)
    await bench.want(2)
    assert await bench.running() == 2


async def test_failed_start_is_tried_again_later_and_later(bench: Bench) -> None:
    bench.orchestrator.refusal = "no image"
    await bench.want(2)
    assert bench.reconciler.troubles == {INFERENCE: "no image"}
    bench.orchestrator.refusal = ""
    await bench.want(2)
    assert await bench.running() == 1
    await bench.clock.advance(RETRY_S)
    await bench.want(2)
    assert await bench.running() == 2
    assert bench.reconciler.troubles == {}


async def test_failure_is_written_once_as_long_as_it_is_the_same(bench: Bench) -> None:
    bench.orchestrator.refusal = "no image"
    for _ in range(4):
        await bench.want(2)
        await bench.clock.advance(100.0)
    assert len(await bench.chronicle.read(10)) == 1


async def test_silent_replica_is_asked_before_it_is_replaced(bench: Bench) -> None:
    (own,) = bench.units
    bench.members()
    bench.silent.add(own.replica_id)
    bench.members()
    bench.calls.alive.add(own.replica_id)
    await bench.clock.advance(61.0)
    await bench.want(1)
    assert bench.reconciler.ending == set()
    bench.calls.alive.clear()
    await bench.want(1)
    assert bench.reconciler.ending == {own.id}
    (entry,) = await bench.chronicle.read(1)
    assert entry.cause == "not_ready"
    assert "61 s" in entry.reason


async def test_repair_is_written_and_a_decision_is_not_written_twice(bench: Bench) -> None:
    await bench.want(2, is_news=True)
    assert await bench.chronicle.read(10) == []
    await bench.clock.advance(1.0)
    await bench.look()
    await bench.want(3, is_news=False)
    (entry,) = await bench.chronicle.read(10)
    assert (entry.cause, entry.previous, entry.target) == ("missing", 2, 3)


async def test_all_managed_ones_are_ended_at_once(bench: Bench) -> None:
    await bench.want(3)
    await bench.reconciler.end_managed()
    assert [u.managed for u in await bench.orchestrator.list()] == [False]


async def test_engine_that_is_away_at_the_end_leaves_them(bench: Bench) -> None:
    await bench.want(2)
    bench.orchestrator.away = "away"
    await bench.reconciler.end_managed()
    bench.orchestrator.away = ""
    assert await bench.running() == 2


async def test_replica_with_an_old_template_is_renewed(bench: Bench) -> None:
    await bench.want(2)
    await bench.clock.advance(1.0)
    bench.orchestrator.outdate()
    await bench.look()
    await bench.want(2)
    (entry,) = await bench.chronicle.read(1)
    assert entry.cause == "outdated"
    await bench.clock.advance(1.0)
    await bench.look()
    await bench.want(2)
    assert [u.outdated for u in await bench.orchestrator.list()] == [False, False]
