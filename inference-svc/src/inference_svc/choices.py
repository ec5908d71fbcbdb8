"""Several texts of one request, generated side by side and read as one stream."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

from inference_svc.generation.base import (
    GenerationOrder,
    GenerationStream,
    Piece,
    TextGenerator,
)


class ChoicePiece(NamedTuple):
    """``choice`` counts the orders from 0."""

    choice: int
    piece: Piece


async def generate_choices(
    generator: TextGenerator, orders: Sequence[GenerationOrder]
) -> AsyncGenerator[ChoicePiece, None]:
    """The pieces of every order, each order's own in their order; always close it.

    A slow reader holds up all of them. The first that fails ends the others.

    Raises: what generating raises.
    """
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(generator.generate(o)) for o in orders]
        if len(streams) == 1:
            async for piece in streams[0]:
                yield ChoicePiece(0, piece)
            return
        merged = _Merged(streams)
        stack.push_async_callback(merged.stop)
        async for found in merged:
            yield found


class _Merged:
    """One task per stream feeds a queue that holds one piece for each; None ends a stream."""

    def __init__(self, streams: Sequence[GenerationStream]) -> None:
        self._queue: asyncio.Queue[ChoicePiece | Exception | None] = asyncio.Queue(len(streams))
        self._tasks = [asyncio.create_task(self._feed(n, s)) for n, s in enumerate(streams)]

    async def __aiter__(self) -> AsyncIterator[ChoicePiece]:
        open_ = len(self._tasks)
        while open_:
            found = await self._queue.get()
            if isinstance(found, Exception):
                raise found
            if found is None:
                open_ -= 1
            else:
                yield found

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _feed(self, choice: int, stream: GenerationStream) -> None:
        try:
            async for piece in stream:
                await self._queue.put(ChoicePiece(choice, piece))
        except Exception as exc:  # noqa: BLE001 - raised where it is read
            await self._queue.put(exc)
        else:
            await self._queue.put(None)
