from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_svc.lockout import FORGET_S, Attempts, after_failure, locked_for_s
from fleetserve.auth.config import LockoutConfig

POLICY = LockoutConfig()


def after(failures: int, gap_s: float = 1.0) -> Attempts:
    attempts = None
    for number in range(failures):
        attempts = after_failure(attempts, number * gap_s, POLICY)
    assert attempts is not None
    return attempts


def test_four_failures_lock_nothing() -> None:
    assert after(4).locked_until == 0.0


def test_fifth_failure_locks_for_the_first_time() -> None:
    attempts = after(5)
    assert locked_for_s(attempts, 4.0) == 30.0
    assert locked_for_s(attempts, 33.9) == pytest.approx(0.1)
    assert locked_for_s(attempts, 34.0) == 0.0


def test_each_further_failure_locks_twice_as_long_up_to_the_longest() -> None:
    locks = [after(n).locked_until - (n - 1) for n in range(5, 20)]
    assert locks[:4] == [30, 60, 120, 240]
    assert all(longer >= lock for lock, longer in pairwise(locks))
    assert max(locks) == POLICY.max_s


def test_failures_are_forgotten_after_a_day() -> None:
    attempts = after_failure(after(10), 10 + FORGET_S, POLICY)
    assert attempts.failures == 1
    assert attempts.locked_until == 0.0


def test_name_that_never_failed_is_not_locked() -> None:
    assert locked_for_s(None, 5.0) == 0.0


@given(
    failures=st.integers(1, 100),
    policy=st.builds(
        LockoutConfig,
        failures=st.integers(1, 20),
        first_s=st.integers(1, 100),
        max_s=st.integers(100, 86400),
    ),
)
def test_lock_is_never_longer_than_the_longest_nor_early(
    failures: int, policy: LockoutConfig
) -> None:
    attempts = None
    for _ in range(failures):
        attempts = after_failure(attempts, 5.0, policy)
    lock_s = locked_for_s(attempts, 5.0)
    assert 0 <= lock_s <= policy.max_s
    assert (lock_s > 0) == (failures >= policy.failures)
