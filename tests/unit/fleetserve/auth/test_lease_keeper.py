import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from fleetserve.auth.lease_keeper import FORGET_EVERY_S, RETRY_S, LeaseKeeper
from fleetserve.auth.principals import Principal, PrincipalKind, anyone
from fleetserve.auth.quota.base import Grant, Limit, QuotaAsk
from fleetserve.auth.quota.memory import MemoryQuotaStore
from fleetserve.auth.rate_limit import RateLimiter
from fleetserve.clock import ManualClock
from fleetserve.errors import TooManyRequestsError, UnavailableError

LIMIT = Limit(100, 60.0)
ADA = Principal("user:ada", PrincipalKind.USER, frozenset(), "user", "ada")


class Store:
    """Shared quota that counts its calls and can be away or slow."""

    def __init__(self, clock: ManualClock) -> None:
        self._inner = MemoryQuotaStore(clock)
        self.calls = 0
        self.away = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def take(self, asks: Sequence[QuotaAsk]) -> list[Grant]:
        self.calls += 1
        await self.answers.wait()
        if self.away:
            raise UnavailableError("Redis is away")
        return await self._inner.take(asks)


class Bench:
    def __init__(self, limit: Limit = LIMIT, share: float = 0.5) -> None:
        self.clock = ManualClock(1000)
        self.store = Store(self.clock)
        self.limiter = RateLimiter({"user": limit})
        local = MemoryQuotaStore(self.clock, share=lambda: share)
        self.keeper = LeaseKeeper(self.limiter, self.store, local, self.clock)

    async def admitted(self, tries: int) -> int:
        """How many of so many requests pass, time standing still but for the keeper's pauses."""
        passed = 0
        for _ in range(tries):
            task = asyncio.ensure_future(self.keeper.admit(ADA))
            while not task.done():
                await self.clock.advance(0.005)
            with contextlib.suppress(TooManyRequestsError):
                await task
                passed += 1
        return passed


@contextlib.asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Bench]:
    task = asyncio.ensure_future(bench.keeper.run())
    try:
        yield bench
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_unlimited_principal_is_not_counted() -> None:
    bench = Bench()
    assert await bench.keeper.admit(anyone("127.0.0.1")) is None
    assert len(bench.limiter) == 0


async def test_first_requests_pass_without_the_store() -> None:
    bench = Bench()
    bench.store.answers.clear()
    for _ in range(LIMIT.requests // 20):
        decision = await bench.keeper.admit(ADA)
        assert decision is not None
        assert decision.allowed
    assert bench.store.calls == 0


async def test_whole_burst_passes_with_few_calls_and_the_rest_is_refused() -> None:
    async with running(Bench()) as bench:
        passed = await bench.admitted(200)
        assert 100 <= passed <= 110
        assert bench.store.calls < 60
        with pytest.raises(TooManyRequestsError):
            await bench.keeper.admit(ADA)


async def test_used_up_lease_waits_for_the_answer_that_is_under_way() -> None:
    async with running(Bench()) as bench:
        bench.store.answers.clear()
        waiting = [asyncio.ensure_future(bench.keeper.admit(ADA)) for _ in range(20)]
        await bench.clock.advance(0.01)
        assert 0 < sum(task.done() for task in waiting) < 20
        bench.store.answers.set()
        await bench.clock.advance(0.1)
        decisions = await asyncio.gather(*waiting)
        assert all(decision is not None and decision.allowed for decision in decisions)


async def test_while_the_store_is_away_the_local_share_goes_on() -> None:
    async with running(Bench(share=0.5)) as bench:
        bench.store.away = True
        passed = await bench.admitted(200)
        assert 50 <= passed <= 60
        assert bench.keeper.away == "Redis is away"


async def test_store_that_is_away_is_tried_again_after_a_while_and_shared_again() -> None:
    async with running(Bench()) as bench:
        bench.store.away = True
        await bench.admitted(30)
        assert bench.store.calls == 1
        bench.store.away = False
        await bench.clock.advance(RETRY_S)
        await bench.admitted(30)
        assert bench.store.calls > 1
        assert bench.keeper.away == ""


async def test_idle_principals_are_forgotten_as_time_goes_by() -> None:
    async with running(Bench()) as bench:
        await bench.keeper.admit(ADA)
        await bench.clock.advance(0.01)
        await bench.clock.advance(LIMIT.per_s + FORGET_EVERY_S)
        other = Principal("user:bob", PrincipalKind.USER, frozenset(), "user", "bob")
        await bench.keeper.admit(other)
        await bench.clock.advance(0.01)
        assert len(bench.limiter) == 1


async def test_nothing_is_asked_when_nobody_comes() -> None:
    async with running(Bench()) as bench:
        await bench.clock.advance(1000)
        assert bench.store.calls == 0
