"""One text on its way: its tokens, what of them the model has read, and who waits for it."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from torch import Tensor

from fleetserve.replica.job_sinks import JobStream
from inference_svc.generation.base import (
    FinishReason,
    GenerationNote,
    GenerationOrder,
    Piece,
    TokenLogprob,
)
from inference_svc.generation.sampling import Chooser
from inference_svc.generation.writing import Writing

AHEAD = 16  # Pieces that wait for a slow reader; then its text rests.


class PieceStream(JobStream[Piece]):
    """A ``GenerationStream``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        super().__init__(loop, AHEAD, wake)
        self.note = GenerationNote()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


class TextRun:
    """Compute thread only, once it is handed over.

    Attributes:
        limit: Tokens it may get.
        bytes: Reserved for its cache.
        rank: Lower starts first.
        cache: The model's; None: it waits.
        steps: How many it took part in.
    """

    __slots__ = (
        "_end_ids",
        "_logprobs",
        "_pending",
        "_writing",
        "bytes",
        "cache",
        "chooser",
        "ids",
        "limit",
        "order",
        "rank",
        "read",
        "steps",
        "stream",
    )

    def __init__(
        self,
        order: GenerationOrder,
        stream: PieceStream,
        chooser: Chooser,
        writing: Writing,
        *,
        end_ids: frozenset[int],
        limit: int,
        bytes_: int,
    ) -> None:
        self.order = order
        self.stream = stream
        self.chooser = chooser
        self.ids = list(order.prompt.ids)
        self.limit = limit
        self.bytes = bytes_
        self.rank: tuple[float, int] = (0.0, 0)
        self.cache: Any = None
        self.read = 0
        self.steps = 0
        self._writing = writing
        self._end_ids = end_ids
        self._pending = 0
        self._logprobs: list[TokenLogprob] = []

    def __lt__(self, other: "TextRun") -> bool:
        return self.rank < other.rank

    @property
    def capacity(self) -> int:
        """Tokens that the cache must hold; the last one is never read."""
        return len(self.order.prompt.ids) + self.limit - 1

    @property
    def left(self) -> int:
        return len(self.ids) - self.read

    @property
    def written(self) -> int:
        return len(self.ids) - len(self.order.prompt.ids)

    def take(self, token: int, logprob: TokenLogprob | None) -> Piece | None:
        """The next token; the piece that is sure with it, if one is."""
        self.ids.append(token)
        self._pending += 1
        if logprob is not None:
            self._logprobs.append(logprob)
        ended = token in self._end_ids
        text = "" if ended else self._writing.add(token)
        if ended or self._writing.stopped:
            return self._piece(text + self._writing.finish(), FinishReason.STOP)
        if self.written >= self.limit:
            return self._piece(text + self._writing.finish(), FinishReason.LENGTH)
        return self._piece(text, None) if text else None

    def _piece(self, text: str, reason: FinishReason | None) -> Piece:
        piece = Piece(text, self._pending, tuple(self._logprobs), reason)
        self._pending = 0
        self._logprobs.clear()
        return piece


def read_logprob(
    logits: Tensor, token: int, top: int, text_of: Callable[[int], str]
) -> TokenLogprob:
    """Of one token, and of the ``top`` likeliest in its place."""
    logprobs = logits.log_softmax(0)
    likeliest: tuple[TokenLogprob, ...] = ()
    if top:
        values, ids = logprobs.topk(min(top, len(logprobs)))
        likeliest = tuple(
            TokenLogprob(id_, text_of(id_), value)
            for id_, value in zip(ids.tolist(), values.tolist(), strict=True)
        )
    return TokenLogprob(token, text_of(token), float(logprobs[token]), likeliest)
