"""Where a job's results go: from the compute thread to whoever waits on the event loop."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")


class JobSink(Protocol):
    """Called in the compute thread, but for what awaits."""

    @property
    def dropped(self) -> bool:
        """Nobody waits any more."""
        ...

    @property
    def paused(self) -> bool:
        """So much is undelivered that no more should be made now."""
        ...

    def item(self, value: Any) -> None: ...

    def done(self, value: Any) -> None: ...

    def failed(self, exc: BaseException) -> None: ...


class ResultSink(Generic[T]):
    """Keeps the return value; what is yielded only marks where others may compute."""

    paused = False

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.future: asyncio.Future[T] = loop.create_future()

    @property
    def dropped(self) -> bool:
        return self.future.done()

    def item(self, value: Any) -> None:
        pass

    def done(self, value: T) -> None:
        _tell(self._loop, self._settle, value, None)

    def failed(self, exc: BaseException) -> None:
        _tell(self._loop, self._settle, None, exc)

    def _settle(self, value: Any, exc: BaseException | None) -> None:
        if self.future.done():
            return
        if exc is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(exc)


class JobStream(Generic[T]):
    """What a job yields, as an async iterator for one reader; always aclose() it.

    None is no item: it only marks where others may compute. At most ``ahead`` items wait
    undelivered; then the job rests until the reader comes.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, ahead: int, wake: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._ahead = ahead
        self._wake = wake
        self._items: deque[T] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._ended = False
        self._failure: BaseException | None = None
        # One counter per thread, so that neither needs a lock.
        self._made = 0
        self._read = 0
        self.dropped = False

    @property
    def paused(self) -> bool:
        return self._made - self._read >= self._ahead

    def item(self, value: T | None) -> None:
        if value is None:
            return
        self._made += 1
        _tell(self._loop, self._put, value)

    def done(self, value: Any) -> None:
        del value
        _tell(self._loop, self._end, None)

    def failed(self, exc: BaseException) -> None:
        _tell(self._loop, self._end, exc)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._failure is not None:
                raise self._failure
            if self._ended or self.dropped:
                raise StopAsyncIteration
            self._reader = self._loop.create_future()
            await self._reader
        self._read += 1
        self._wake()
        return self._items.popleft()

    async def aclose(self) -> None:
        """Drops the job; a step at work is finished and its item forgotten."""
        if not self.dropped:
            self.dropped = True
            self._items.clear()
            self._wake()

    def _put(self, value: T) -> None:
        if not self.dropped:
            self._items.append(value)
            self._wake_reader()

    def _end(self, exc: BaseException | None) -> None:
        self._ended = True
        self._failure = exc
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: object) -> None:
    try:
        loop.call_soon_threadsafe(function, *args)
    except RuntimeError:
        # The loop is closed: the process ends, and nobody waits for this any more.
        return
