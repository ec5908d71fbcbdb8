"""The event loop that replays run on, and how the threads of jobs use it."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from threading import Event
from typing import Any, TypeVar

import uvloop

from fleetserve.jobs.leased_job import LeasedJob
from fleetserve.lifetime import lifetime
from fleetserve.runtime import ServiceRuntime

T = TypeVar("T")

CHECK_S = 0.1


class WorkLoop:
    """Runs in a thread of its own, as a process of the fleet: announced, measured, logged.

    Attributes:
        ended: Set when it runs no more.
    """

    def __init__(self, runtime: ServiceRuntime) -> None:
        self._runtime = runtime
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._started = Event()
        self.ended = Event()

    def run(self) -> None:
        """Until ``stop``; blocking."""
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._live())
        finally:
            self.ended.set()

    def stop(self) -> None:
        """From any thread; idempotent."""
        if self._loop is not None and self._end is not None and not self.ended.is_set():
            # It may end by itself in this moment.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._end.set)

    def call(self, job: LeasedJob, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The coroutine's result; it is cancelled when the job must not go on.

        Raises: JobStoppedError; whatever the coroutine raises.
        """
        self._started.wait()
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(make(), self._loop)
        try:
            while not _is_done(future):
                job.check()
        except BaseException:
            future.cancel()
            raise
        return future.result()

    async def _live(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with lifetime(self._runtime):
            self._started.set()
            await self._end.wait()


def _is_done(future: "Future[Any]") -> bool:
    """After at most CHECK_S."""
    try:
        future.exception(CHECK_S)
    except TimeoutError:
        return False
    return True
