"""A generator without a model, for tests and for measuring what serving itself costs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from fleetserve.errors import FleetError, InvalidFieldError
from inference_svc.generation.base import (
    FinishReason,
    GenerationNote,
    GenerationOrder,
    GeneratorInfo,
    Message,
    Piece,
    Prompt,
    Sampling,
    TokenLogprob,
)

MAX_TOKENS = 64


class MemoryGenerator:
    """A ``TextGenerator`` that says a prompt again, a token per character.

    Args:
        before_token: Awaited before each token with its place, so that a test can hold it.
        fails_at: The token at whose place it fails with ``failure``.
        chat: It takes chats.
    """

    def __init__(
        self,
        *,
        before_token: Callable[[int], Any] | None = None,
        fails_at: int | None = None,
        failure: FleetError | None = None,
        chat: bool = True,
    ) -> None:
        self.info = GeneratorInfo("cpu", "none", MAX_TOKENS, chat)
        self.defaults = Sampling()
        self.orders: list[GenerationOrder] = []
        self.closed = 0
        self.before_token = before_token
        self.fails_at = fails_at
        self.failure = failure

    def read_text(self, text: str) -> Prompt:
        if not text:
            raise InvalidFieldError("inputs", "is empty")
        if len(text) >= MAX_TOKENS:
            raise InvalidFieldError("inputs", f"has {len(text)} tokens; {MAX_TOKENS} are taken")
        return Prompt(text, [ord(one) for one in text])

    def read_chat(
        self, messages: Sequence[Message], *, tools: Sequence[Mapping[str, Any]] | None = None
    ) -> Prompt:
        del tools
        if not self.info.chat:
            raise InvalidFieldError("inputs", "this model has no chat template")
        return self.read_text("".join(f"{one['role']}:{one['content']};" for one in messages))

    def generate(self, order: GenerationOrder) -> "MemoryStream":
        self.orders.append(order)
        return MemoryStream(self, order)


class MemoryStream:
    """A ``GenerationStream``."""

    def __init__(self, generator: MemoryGenerator, order: GenerationOrder) -> None:
        self.note = GenerationNote()
        self._generator = generator
        self._over = False
        self._pieces = self._write(order)

    def __aiter__(self) -> AsyncIterator[Piece]:
        return self

    async def __anext__(self) -> Piece:
        if self._over:
            raise StopAsyncIteration
        return await anext(self._pieces)

    async def aclose(self) -> None:
        self._over = True
        self._generator.closed += 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _write(self, order: GenerationOrder) -> AsyncIterator[Piece]:
        now_s = asyncio.get_running_loop().time
        note, generator = self.note, self._generator
        note.submitted_s = note.started_s = now_s()
        text = order.prompt.text
        limit = min(len(text), order.max_new_tokens or len(text))
        for place, one in enumerate(text[:limit]):
            if generator.before_token is not None:
                await generator.before_token(place)
            if place == generator.fails_at and generator.failure is not None:
                raise generator.failure
            note.first_token_s = note.first_token_s or now_s()
            note.steps, note.batch_size, note.ended_s = place + 1, 1, now_s()
            logprobs = () if order.top_logprobs is None else (TokenLogprob(ord(one), one, -0.5),)
            ends = place == limit - 1
            reason = FinishReason.STOP if limit == len(text) else FinishReason.LENGTH
            yield Piece(one, 1, logprobs, reason if ends else None)
