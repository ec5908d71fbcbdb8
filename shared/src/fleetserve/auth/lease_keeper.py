"""Leases quota for the limiter in the background, in Redis or, while that is away, here."""

import asyncio
from collections.abc import Sequence

import structlog

from fleetserve.auth.principals import Principal
from fleetserve.auth.quota.base import Grant, QuotaAsk, QuotaStore
from fleetserve.auth.rate_limit import Decision, RateLimiter
from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError

log = structlog.get_logger(__name__)

# Asks of that time go together.
GATHER_S = 0.005
RETRY_S = 1.0
WAIT_S = 2.0
FORGET_EVERY_S = 10.0


class LeaseKeeper:
    """For the event loop; ``run`` must be running.

    Args:
        store: The quota that all gateways share.
        local: This gateway's share of it, taken from while the store is away.
    """

    def __init__(
        self, limiter: RateLimiter, store: QuotaStore, local: QuotaStore, clock: Clock
    ) -> None:
        self._limiter = limiter
        self._store = store
        self._local = local
        self._clock = clock
        self._wanted = asyncio.Event()
        self._round = asyncio.Event()
        self._retry_at_s = 0.0
        self.away = ""

    async def admit(self, principal: Principal) -> Decision | None:
        """Takes one request of the principal's quota; None where it has no limit.

        Answers at once but for a principal that has used up its lease while the store is being
        asked for the next: that one waits for the answer.

        Raises: TooManyRequestsError: its quota is used up.
        """
        decision = self._take(principal)
        if decision is None or decision.allowed:
            return decision
        return await self._wait(principal, decision)

    def _take(self, principal: Principal) -> Decision | None:
        if not principal.limit:
            return None
        decision = self._limiter.take(principal.limit, principal.name, self._clock.monotonic_s())
        if self._limiter.wants_quota:
            self._wanted.set()
        return decision

    async def _wait(self, principal: Principal, refused: Decision) -> Decision:
        """Tries again after each answer of the store, for as long as one is awaited."""
        end_s = self._clock.monotonic_s() + WAIT_S
        decision = refused
        while decision.waits and (left_s := end_s - self._clock.monotonic_s()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    await self._round.wait()
            except TimeoutError:
                break
            again = self._take(principal)
            if again is None or again.allowed:
                return again or refused
            decision = again
        raise decision.error()

    async def run(self) -> None:
        """Leases until cancelled."""
        forget_at_s = self._clock.monotonic_s() + FORGET_EVERY_S
        while True:
            await self._wait_until(forget_at_s)
            await self.lease()
            if self._clock.monotonic_s() >= forget_at_s:
                self._limiter.forget_idle(self._clock.monotonic_s())
                forget_at_s = self._clock.monotonic_s() + FORGET_EVERY_S
            await self._clock.sleep(GATHER_S)

    async def lease(self) -> None:
        """One round: takes what the limiter asks for, and wakes who waits for it."""
        self._wanted.clear()
        asks = self._limiter.asks()
        if not asks:
            return
        grants = await self._take_from_store(asks)
        now_s = self._clock.monotonic_s()
        for ask, grant in zip(asks, grants, strict=True):
            self._limiter.grant(ask, grant, now_s)
        if self._limiter.wants_quota:
            self._wanted.set()
        round_over, self._round = self._round, asyncio.Event()
        round_over.set()

    async def _wait_until(self, at_s: float) -> None:
        """Until quota is wanted, or that time."""
        try:
            async with asyncio.timeout(max(0.0, at_s - self._clock.monotonic_s())):
                await self._wanted.wait()
        except TimeoutError:
            return

    async def _take_from_store(self, asks: Sequence[QuotaAsk]) -> list[Grant]:
        if self._clock.monotonic_s() >= self._retry_at_s:
            try:
                grants = await self._store.take(asks)
                if self.away:
                    log.info("quota.shared_again")
                self.away = ""
                return grants
            except UnavailableError as exc:
                if not self.away:
                    log.warning("quota.local", error=exc.detail)
                self.away = exc.detail
                self._retry_at_s = self._clock.monotonic_s() + RETRY_S
        return await self._local.take(asks)
