import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetserve.auth.quota.base import Grant, Limit
from fleetserve.auth.quota.memory import MemoryQuotaStore
from fleetserve.auth.rate_limit import MIN_ASK_S, Decision, RateLimiter, lease_of
from fleetserve.clock import ManualClock

SMALL = Limit(100, 10.0)


class Gateway:
    """A limiter that leases from a store as its keeper would."""

    def __init__(self, limit: Limit, store: MemoryQuotaStore, clock: ManualClock) -> None:
        self.limiter = RateLimiter({"user": limit})
        self.store = store
        self.clock = clock

    def take(self, principal: str = "ada") -> Decision:
        decision = self.limiter.take("user", principal, self.clock.monotonic_s())
        assert decision is not None
        return decision

    def lease(self) -> None:
        asks = self.limiter.asks()
        grants = asyncio.run(self.store.take(asks))
        for ask, grant in zip(asks, grants, strict=True):
            self.limiter.grant(ask, grant, self.clock.monotonic_s())

    def admit(self, principal: str = "ada") -> bool:
        """As the keeper's ``admit``: waits for one answer of the store."""
        decision = self.take(principal)
        if decision.waits and not decision.allowed:
            self.lease()
            decision = self.take(principal)
        return decision.allowed


def gateway_of(limit: Limit = SMALL) -> Gateway:
    clock = ManualClock(1000)
    return Gateway(limit, MemoryQuotaStore(clock), clock)


Step = tuple[int, int, float, bool]
STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 40),
        st.floats(0, 5, allow_nan=False),
        st.booleans(),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(requests=st.integers(1, 200), steps=STEPS)
def test_over_no_window_more_passes_than_the_limit_and_a_lease_each(
    requests: int, steps: list[Step]
) -> None:
    limit, clock = Limit(requests, 10.0), ManualClock(1000)
    store = MemoryQuotaStore(clock)
    gateways = [Gateway(limit, store, clock) for _ in range(3)]
    passed: list[float] = []
    for which, count, pause_s, lease in steps:
        clock.move(pause_s)
        for _ in range(count):
            if gateways[which].take().allowed:
                passed.append(clock.now_s())
            if lease:
                gateways[which].lease()
    allowance = 3 * lease_of(limit)
    for begin, since_s in enumerate(passed):
        for end in range(begin, len(passed)):
            window_s = passed[end] - since_s
            assert end - begin + 1 <= limit.requests + limit.rate * window_s + allowance


@settings(max_examples=40, deadline=None)
@given(
    requests=st.integers(10, 500),
    gaps=st.lists(st.floats(1.0, 3.0, allow_nan=False), min_size=1, max_size=200),
)
def test_who_stays_under_the_rate_is_never_refused(requests: int, gaps: list[float]) -> None:
    gateway = gateway_of(Limit(requests, 10.0))
    for gap in gaps:
        assert gateway.admit()
        gateway.clock.move(gap / gateway.limiter._limits["user"].rate)


@settings(max_examples=30, deadline=None)
@given(requests=st.integers(1, 500))
def test_burst_up_to_the_limit_passes_whole_and_no_more_than_a_lease_beyond(requests: int) -> None:
    gateway = gateway_of(Limit(requests, 10.0))
    passed = sum(gateway.admit() for _ in range(requests * 3 + 10))
    assert requests <= passed <= requests + lease_of(Limit(requests, 10.0))


def test_first_request_of_anybody_is_answered_at_once() -> None:
    assert gateway_of().take().allowed
    assert gateway_of(Limit(1, 60)).take().allowed


def test_unknown_class_is_not_limited() -> None:
    assert RateLimiter({"user": SMALL}).take("other", "ada", 0) is None


def test_principals_and_classes_are_counted_apart() -> None:
    gateway = gateway_of(Limit(2, 60))
    assert [gateway.admit("ada") for _ in range(6)].count(True) <= 4
    assert gateway.admit("bob")


def test_used_up_lease_waits_for_the_store_and_is_refused_when_that_has_no_more() -> None:
    gateway = gateway_of(Limit(10, 60))
    while gateway.admit():
        pass
    refused = gateway.take()
    assert not refused.allowed
    assert not refused.waits
    assert refused.remaining == 0
    assert 0 < refused.retry_after_s <= 60


def test_refused_one_may_come_back_when_it_was_told() -> None:
    gateway = gateway_of(Limit(10, 60))
    while gateway.admit():
        pass
    gateway.clock.move(gateway.take().retry_after_s + 0.001)
    assert gateway.admit()


def test_while_the_store_has_no_more_nothing_is_overdrawn() -> None:
    gateway = gateway_of(Limit(1000, 1000.0))
    while gateway.admit():
        pass
    gateway.clock.move(5)
    assert sum(gateway.admit() for _ in range(100)) <= 6


def test_store_is_not_asked_again_while_it_has_no_more() -> None:
    gateway = gateway_of(Limit(10, 60))
    while gateway.admit():
        pass
    for _ in range(50):
        gateway.take()
    assert not gateway.limiter.wants_quota


def test_requests_between_two_leases_ask_once() -> None:
    gateway = gateway_of(Limit(1000, 60))
    for _ in range(20):
        gateway.take()
    asks = gateway.limiter.asks()
    assert len(asks) == 1
    assert gateway.limiter.asks() == []
    assert asks[0].wanted == lease_of(Limit(1000, 60)) // 2 + 20


def test_headers_tell_limit_rest_and_reset() -> None:
    gateway = gateway_of(Limit(100, 10))
    decisions = [gateway.take() for _ in range(5)]
    assert dict(decisions[0].headers()) == {
        b"ratelimit-limit": b"100",
        b"ratelimit-remaining": b"99",
        b"ratelimit-reset": b"1",
    }
    left = [decision.remaining for decision in decisions]
    assert all(later == earlier - 1 for earlier, later in pairwise(left))


def test_error_has_retry_after_and_the_same_headers() -> None:
    gateway = gateway_of(Limit(10, 60))
    while gateway.admit():
        pass
    error = gateway.take().error()
    assert error.status == 429
    assert int(error.headers["Retry-After"]) >= 1
    assert error.headers["ratelimit-remaining"] == "0"
    assert int(error.headers["ratelimit-reset"]) >= int(error.headers["Retry-After"])
    assert "10 requests in 60 s" in error.detail


def test_who_is_idle_for_a_window_is_forgotten_and_others_are_not() -> None:
    gateway = gateway_of()
    gateway.admit("ada")
    gateway.lease()
    gateway.clock.move(9)
    gateway.admit("bob")
    gateway.lease()
    gateway.clock.move(1)
    gateway.limiter.forget_idle(gateway.clock.monotonic_s())
    assert list(gateway.limiter._accounts) == [("user", "bob")]


def test_who_is_being_asked_for_is_not_forgotten() -> None:
    gateway = gateway_of()
    gateway.take()
    gateway.clock.move(1000)
    gateway.limiter.forget_idle(gateway.clock.monotonic_s())
    assert len(gateway.limiter) == 1


@settings(max_examples=20, deadline=None)
@given(names=st.lists(st.integers(0, 500), max_size=300))
def test_memory_is_bounded_whoever_comes(names: list[int]) -> None:
    limiter = RateLimiter({"address": SMALL}, max_principals=20)
    for at, name in enumerate(names):
        assert limiter.take("address", str(name), float(at)) is not None
        assert len(limiter) <= 20
        assert len(limiter._wanting) <= 20


def test_room_is_made_by_who_was_idle_the_longest() -> None:
    limiter = RateLimiter({"address": SMALL}, max_principals=10)
    for at in range(10):
        limiter.take("address", str(at), float(at))
    limiter.take("address", "0", 50.0)
    limiter.take("address", "new", 51.0)
    names = [name for _, name in limiter._accounts]
    assert "0" in names
    assert "1" not in names


def test_grant_for_somebody_forgotten_is_no_error() -> None:
    limiter = RateLimiter({"user": SMALL})
    limiter.take("user", "ada", 0)
    (ask,) = limiter.asks()
    limiter._accounts.clear()
    limiter.grant(ask, Grant(5, 10), 0)
    assert len(limiter) == 0


@pytest.mark.parametrize("requests", [1, 2, 10, 99, 100, 10**9])
def test_lease_is_an_even_tenth_and_at_least_two(requests: int) -> None:
    lease = lease_of(Limit(requests, 1))
    assert lease >= 2
    assert lease % 2 == 0
    assert lease <= max(2, requests / 10)


def test_dry_store_is_asked_no_more_often_than_the_pause() -> None:
    gateway = gateway_of(Limit(10**6, 1))
    gateway.take()
    (ask,) = gateway.limiter.asks()
    gateway.limiter.grant(ask, Grant(0, 0.0), gateway.clock.monotonic_s())
    gateway.take()
    assert not gateway.limiter.wants_quota
    gateway.clock.move(MIN_ASK_S)
    gateway.take()
    assert gateway.limiter.wants_quota


def test_once_the_store_has_said_no_only_what_it_gave_passes() -> None:
    gateway = gateway_of(Limit(100, 10))
    gateway.take()
    (ask,) = gateway.limiter.asks()
    gateway.limiter.grant(ask, Grant(2, 0.0), gateway.clock.monotonic_s())
    assert [gateway.take().allowed for _ in range(3)] == [True, False, False]
