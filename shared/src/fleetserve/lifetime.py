"""The life of a process of the fleet: announced, measured, logged; and its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

import structlog

from fleetserve import __version__
from fleetserve.clock import Clock
from fleetserve.runtime import ServiceRuntime

log = structlog.get_logger(__name__)
LOG_FLUSH_S = 0.2
AGAIN_S = 1.0

Loop = Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def lifetime(runtime: ServiceRuntime) -> AsyncIterator[None]:
    """Runs what every process runs, and the runtime's own background, until the block ends."""
    log.info("service.started", version=__version__, boot_id=runtime.boot_id)
    loops: list[Loop] = [runtime.heartbeat().run, lambda: _flush_logs(runtime)]
    tasks = start_loops([*loops, *runtime.background], runtime.clock)
    try:
        yield
    finally:
        await end_tasks(tasks)
        for close in runtime.on_shutdown:
            await close()
        runtime.gone = True
        await runtime.announcer().announce_now()
        await runtime.redis.aclose()
        log.info("service.stopped")
        runtime.sink.flush()


def start_loops(loops: Iterable[Loop], clock: Clock) -> "list[asyncio.Future[None]]":
    """A task for each, to be ended with ``end_tasks``."""
    return [asyncio.ensure_future(_keep_running(loop, clock)) for loop in loops]


async def _keep_running(loop: Loop, clock: Clock) -> None:
    """Begins a loop that has failed anew: a process without one of them would be deaf or mute."""
    while True:
        try:
            return await loop()
        except Exception:
            log.exception("background.failed", again_in_s=AGAIN_S)
        await clock.sleep(AGAIN_S)


async def end_tasks(tasks: Iterable["asyncio.Future[None]"]) -> None:
    """Cancels them and waits. One cancel may be swallowed (wait_for does it in Python 3.11)."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.5)


async def _flush_logs(runtime: ServiceRuntime) -> None:
    """Writes out what is gathered; where nothing is, nothing wakes the process."""
    loop, gathered = asyncio.get_running_loop(), asyncio.Event()
    runtime.sink.on_gathered = lambda: loop.call_soon_threadsafe(gathered.set)
    try:
        while True:
            await gathered.wait()
            gathered.clear()
            await runtime.clock.sleep(LOG_FLUSH_S)
            runtime.sink.flush()
    finally:
        runtime.sink.on_gathered = lambda: None
