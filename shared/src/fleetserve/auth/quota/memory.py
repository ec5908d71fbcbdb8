"""Buckets of this process alone: for tests, and a gateway's share while Redis is away."""

from collections.abc import Callable, Sequence

from fleetserve.auth.quota.base import Grant, QuotaAsk
from fleetserve.clock import Clock

MAX_BUCKETS = 20_000


class MemoryQuotaStore:
    """``share`` (0 to 1] is the part of each limit that stands here."""

    def __init__(self, clock: Clock, *, share: Callable[[], float] = lambda: 1.0) -> None:
        self._clock = clock
        self._share = share
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    async def take(self, asks: Sequence[QuotaAsk]) -> list[Grant]:
        now_s = self._clock.now_s()
        return [self._take(ask, now_s) for ask in asks]

    def _take(self, ask: QuotaAsk, now_s: float) -> Grant:
        key = (ask.limit_name, ask.principal)
        share = self._share()
        size, rate = max(1.0, ask.limit.requests * share), ask.limit.rate * share
        # Put back at the end: the first in the dictionary is the one not asked for the longest.
        left, at_s = self._buckets.pop(key, (size, now_s))
        left = min(size, left + max(0.0, now_s - at_s) * rate)
        granted = min(ask.wanted, int(left))
        self._buckets[key] = (left - granted, max(now_s, at_s))
        if len(self._buckets) > MAX_BUCKETS:
            del self._buckets[next(iter(self._buckets))]
        return Grant(granted, left - granted)
