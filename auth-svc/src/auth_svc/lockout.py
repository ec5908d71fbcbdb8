"""When a name is locked after wrong passwords; pure.

The name is what is locked, whether there is such a user or not, so that a lock tells nobody
which names exist.
"""

from dataclasses import dataclass

from fleetserve.auth.config import LockoutConfig

FORGET_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Attempts:
    """Logins to one name that did not succeed, in a row. Times in seconds since the epoch."""

    failures: int
    locked_until: float
    last_at: float


def locked_for_s(attempts: Attempts | None, now_s: float) -> float:
    """Seconds that the name is locked yet; 0 when it is not."""
    return max(0.0, attempts.locked_until - now_s) if attempts is not None else 0.0


def after_failure(attempts: Attempts | None, now_s: float, policy: LockoutConfig) -> Attempts:
    """One more failure: from ``policy.failures`` on each locks twice as long as the one before."""
    forgotten = attempts is None or now_s - attempts.last_at >= FORGET_S
    failures = 1 if forgotten or attempts is None else attempts.failures + 1
    if failures < policy.failures:
        return Attempts(failures, 0.0, now_s)
    doublings = min(failures - policy.failures, 32)
    lock_s = min(policy.first_s * 2.0**doublings, policy.max_s)
    return Attempts(failures, now_s + lock_s, now_s)
