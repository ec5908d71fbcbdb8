import asyncio

import pytest

from fleetserve import health
from fleetserve.clock import ManualClock, SystemClock
from fleetserve.health import run_checks


async def well() -> str:
    return "answers"


async def ill() -> str:
    raise ConnectionError("refused")


async def nameless() -> str:
    raise RuntimeError


async def test_each_check_has_its_own_result() -> None:
    results = await run_checks({"a": well, "b": ill, "c": nameless}, ManualClock())
    assert [(n, r.healthy, r.detail) for n, r in results.items()] == [
        ("a", True, "answers"),
        ("b", False, "refused"),
        ("c", False, "RuntimeError"),
    ]


async def test_check_that_hangs_is_unhealthy_and_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_S", 0.05)
    cancelled = []

    async def hangs() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)
        return ""

    results = await run_checks({"hangs": hangs, "well": well}, SystemClock())
    assert results["hangs"].healthy is False
    assert results["hangs"].detail == "no answer within 0.05 s"
    assert results["well"].healthy is True
    assert cancelled == [True]


async def test_checks_run_at_the_same_time() -> None:
    meeting = asyncio.Barrier(2)

    async def meets() -> str:
        await meeting.wait()
        return "met"

    results = await run_checks({"a": meets, "b": meets}, SystemClock())
    assert all(result.healthy for result in results.values())


async def test_latency_is_measured() -> None:
    clock = ManualClock()

    async def slow() -> str:
        clock.move(0.25)
        return ""

    assert (await run_checks({"a": slow}, clock))["a"].latency_ms == 250.0


async def test_no_checks_is_no_results() -> None:
    assert await run_checks({}, ManualClock()) == {}
