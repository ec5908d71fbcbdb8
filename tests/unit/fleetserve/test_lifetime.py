import asyncio

import pytest

from fleetserve.announcements import decode_announcement
from fleetserve.clock import ManualClock
from fleetserve.lifetime import AGAIN_S, end_tasks, lifetime
from fleetserve.runtime import ServiceRuntime


async def test_process_is_announced_while_it_lives_and_gone_after_it(
    runtime: ServiceRuntime,
) -> None:
    key = runtime.keys.announcement("gateway", "g1")
    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")

    runtime.on_shutdown.append(close)
    watcher = runtime.redis.pubsub()
    await watcher.subscribe(runtime.keys.announcements_channel)
    async with lifetime(runtime), asyncio.timeout(5):
        while True:
            message = await watcher.get_message(timeout=1.0)
            if message is not None and message["type"] == "message":
                break
        assert decode_announcement(message["data"]).replica_id == "g1"
        assert await runtime.redis.exists(key)
    assert closed == ["closed"]
    assert not await runtime.redis.exists(key)
    await watcher.aclose()  # type: ignore[no-untyped-call]


async def test_background_runs_within_and_ends_with_it(runtime: ServiceRuntime) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def background() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    runtime.background.append(background)
    async with lifetime(runtime):
        await asyncio.wait_for(begun.wait(), 5)
    assert ended.is_set()


async def test_background_that_fails_is_logged_and_begun_anew(runtime: ServiceRuntime) -> None:
    runtime.clock = clock = ManualClock()
    begun = 0

    async def fails_once() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise RuntimeError("broke")
        await asyncio.Event().wait()

    runtime.background.append(fails_once)
    async with lifetime(runtime):
        await clock.advance(AGAIN_S / 2)
        assert begun == 1
        await clock.advance(AGAIN_S)
        assert begun == 2
    runtime.sink.flush()
    text = (runtime.settings.logs_dir / "g1.jsonl").read_text()
    assert text.count("background.failed") == 1
    assert "broke" in text


async def test_task_that_swallows_a_cancel_is_cancelled_again() -> None:
    begun = asyncio.Event()

    async def stubborn() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    task = asyncio.create_task(stubborn())
    await begun.wait()
    await end_tasks([task])
    with pytest.raises(asyncio.CancelledError):
        await task
