"""Load on a running fleet for as long as a test needs it, and no longer: others want the CPU."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.load import Tally, closed_loop

AT_MOST_S = 120.0


@asynccontextmanager
async def loaded(url: str, body: bytes, connections: int) -> AsyncIterator["asyncio.Task[Tally]"]:
    """Requests as long as the block lasts; what came of them is the task's result after it."""
    ended = asyncio.Event()
    busy = asyncio.create_task(closed_loop(url, body, connections, AT_MOST_S, ended=ended))
    try:
        yield busy
        assert not busy.done(), "the load ended before what it was there for"
    finally:
        ended.set()
        await busy
