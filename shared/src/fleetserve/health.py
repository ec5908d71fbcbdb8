"""The health of one service: what it checks, how long each took."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fleetserve.clock import Clock

CHECK_TIMEOUT_S = 0.7


@dataclass(frozen=True, slots=True)
class CheckResult:
    healthy: bool
    latency_ms: float
    detail: str


# Returns a short detail when all is well, and raises with the reason when not.
Check = Callable[[], Awaitable[str]]


async def run_checks(checks: Mapping[str, Check], clock: Clock) -> dict[str, CheckResult]:
    """All checks at once, each within CHECK_TIMEOUT_S; a check that hangs is unhealthy."""
    results = await asyncio.gather(*(_run(check, clock) for check in checks.values()))
    return dict(zip(checks, results, strict=True))


async def _run(check: Check, clock: Clock) -> CheckResult:
    begin_s = clock.monotonic_s()
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            detail, healthy = await check(), True
    except TimeoutError:
        detail, healthy = f"no answer within {CHECK_TIMEOUT_S} s", False
    except Exception as exc:  # noqa: BLE001 - whatever a check raises is its result
        detail, healthy = str(exc) or type(exc).__name__, False
    return CheckResult(healthy, round((clock.monotonic_s() - begin_s) * 1000, 2), detail)
