"""One question at a time: who asks the same meanwhile gets the same answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """For the event loop. A caller that is cancelled does not end the question for the others."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[T]] = {}

    async def do(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer of ``ask``, or of the one with this key that runs already.

        Raises: whatever ``ask`` raised, for everybody who waited.
        """
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(self._ask(key, ask))
            # Looked at even when every caller has left, or asyncio complains of it.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._running[key] = task
        return await asyncio.shield(task)

    async def _ask(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            return await ask()
        finally:
            del self._running[key]
