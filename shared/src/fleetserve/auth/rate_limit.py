"""Rate limits decided here from quota that was leased before: no call per request.

A principal's account holds what was leased and not yet used. It may go below zero, by half a
lease, while the store has not been asked; it is filled up to half a lease. So over any window
one gateway lets pass at most what the store granted in it plus one lease. Once the store has
no more, nothing is overdrawn until it grants in full again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from fleetserve.auth.quota.base import Grant, Limit, QuotaAsk
from fleetserve.errors import TooManyRequestsError

LEASE_PARTS = 10
MIN_ASK_S = 0.02
MAX_ASKS = 500


def lease_of(limit: Limit) -> int:
    """A tenth of the limit, an even number, at least 2."""
    return max(2, limit.requests // LEASE_PARTS // 2 * 2)


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one request.

    Attributes:
        waits: Neither allowed nor refused: the store is being asked (see lease_keeper.py).
        retry_after_s: For a refused one: when to come back.
    """

    allowed: bool
    waits: bool
    limit: Limit
    remaining: int
    reset_s: float
    retry_after_s: float = 0.0

    def headers(self) -> list[tuple[bytes, bytes]]:
        """RateLimit-*: the limit, what is left, seconds until it is whole again."""
        return [
            (b"ratelimit-limit", b"%d" % self.limit.requests),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % ceil(self.reset_s)),
        ]

    def error(self) -> TooManyRequestsError:
        error = TooManyRequestsError(
            f"More than {self.limit.requests} requests in {self.limit.per_s:g} s; come back in"
            f" {max(1, ceil(self.retry_after_s))} s.",
            retry_after_s=self.retry_after_s,
        )
        error.headers |= {name.decode(): value.decode() for name, value in self.headers()}
        return error


class _Account:
    """``balance``: leased and not used; ``dry``: the store had less than was asked for."""

    __slots__ = ("ask_at_s", "asked", "balance", "dry", "half", "left", "limit", "used_s")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.half = lease_of(limit) // 2
        self.balance = 0
        self.left = float(limit.requests)
        self.asked = False
        self.dry = False
        self.ask_at_s = 0.0
        self.used_s = 0.0


Key = tuple[str, str]


class RateLimiter:
    """For one thread. Knows at most ``max_principals``; who is idle for a window is forgotten.

    Args:
        limits: By class; a class that is not there is not limited.
    """

    def __init__(self, limits: Mapping[str, Limit], *, max_principals: int = 10_000) -> None:
        self._limits = dict(limits)
        self._max = max_principals
        self._accounts: dict[Key, _Account] = {}
        self._wanting: dict[Key, None] = {}

    def __len__(self) -> int:
        return len(self._accounts)

    @property
    def wants_quota(self) -> bool:
        return bool(self._wanting)

    def take(self, limit_name: str, principal: str, now_s: float) -> Decision | None:
        """Takes one request; None where that class has no limit. ``now_s`` is monotonic."""
        key = (limit_name, principal)
        account = self._accounts.get(key)
        if account is None:
            account = self._open(key)
            if account is None:
                return None
        account.used_s = now_s
        allowed = account.balance > (0 if account.dry else -account.half)
        if allowed:
            account.balance -= 1
        may_ask = not account.asked and now_s >= account.ask_at_s
        if may_ask and account.balance <= account.half // 2:
            account.asked = True
            self._wanting[key] = None
        return self._decision(account, allowed, now_s)

    def asks(self) -> list[QuotaAsk]:
        """What to take from the store now; each waits for its ``grant``."""
        keys = list(self._wanting)[:MAX_ASKS]
        found = []
        for key in keys:
            del self._wanting[key]
            account = self._accounts.get(key)
            if account is not None:
                found.append(QuotaAsk(*key, account.limit, account.half - account.balance))
        return found

    def grant(self, ask: QuotaAsk, grant: Grant, now_s: float) -> None:
        """The store's answer to one of ``asks``."""
        account = self._accounts.get((ask.limit_name, ask.principal))
        if account is None:
            return
        account.asked = False
        account.balance += grant.granted
        account.left = grant.left
        account.dry = grant.granted < ask.wanted
        if account.dry:
            account.ask_at_s = now_s + max(MIN_ASK_S, _until_one(account))

    def forget_idle(self, now_s: float) -> None:
        """Drops who made no request for a window: the store's bucket is full by then."""
        idle = [
            key
            for key, account in self._accounts.items()
            if now_s - account.used_s >= account.limit.per_s and not account.asked
        ]
        for key in idle:
            del self._accounts[key]

    def _open(self, key: Key) -> _Account | None:
        limit = self._limits.get(key[0])
        if limit is None:
            return None
        if len(self._accounts) >= self._max:
            self._make_room()
        account = self._accounts[key] = _Account(limit)
        return account

    def _make_room(self) -> None:
        """Drops the tenth that was idle the longest."""
        by_use = sorted(self._accounts, key=lambda key: self._accounts[key].used_s)
        for key in by_use[: max(1, self._max // 10)]:
            del self._accounts[key]
            self._wanting.pop(key, None)

    @staticmethod
    def _decision(account: _Account, allowed: bool, now_s: float) -> Decision:
        limit = account.limit
        remaining = max(0, int(account.balance + account.left))
        reset_s = (limit.requests - remaining) / limit.rate
        if allowed:
            return Decision(True, False, limit, remaining, reset_s)
        retry_s = max(0.0, account.ask_at_s - now_s)
        return Decision(False, account.asked, limit, 0, max(reset_s, retry_s), retry_s)


def _until_one(account: _Account) -> float:
    """Seconds until the store can pay the debt and one request more."""
    return (1 - account.balance - account.left) / account.limit.rate
