"""POST /v1/completions and /v1/chat/completions: text as OpenAI's clients ask for it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any

import msgspec

from fleetserve.clock import Clock
from fleetserve.replica.event_stream import EVENT_HEADERS, EVENTS, data_bytes, end_with_error
from fleetserve.replica.exchange import Answer, ReplicaRequest, json_bytes
from inference_svc.api.completion_body import ChatBody, TextBody, orders_of
from inference_svc.api.completion_format import (
    ChatFormat,
    Format,
    Head,
    TextFormat,
    Written,
    usage_of,
)
from inference_svc.api.openai_body import decode_body
from inference_svc.choices import ChoicePiece, generate_choices
from inference_svc.generation.base import GenerationOrder
from inference_svc.texts.access import Generators, OpenGenerator

# Tokenising a text of this size takes longer than handing it to a thread.
INLINE_BYTES = 16_384
DONE = b"data: [DONE]\n\n"

Body = ChatBody | TextBody


class CompletionsRoute:
    """The handler of one of the two routes."""

    def __init__(
        self, decode: Callable[[bytes], Body], generators: Generators, clock: Clock
    ) -> None:
        self._decode = decode
        self._generators = generators
        self._clock = clock

    async def __call__(self, request: ReplicaRequest) -> Answer:
        body = decode_body(self._decode, request)
        body.check()
        async with AsyncExitStack() as stack:
            model = request.model or body.model
            opened = await stack.enter_async_context(self._generators.open(model))
            work = await self._prepare(request, body, opened)
            if body.stream:
                # The stream keeps the model in use, so it ends what was entered here.
                events = work.events(stack.pop_all(), include_usage=body.include_usage)
                return Answer(
                    end_with_error(request, events),
                    content_type=EVENTS,
                    headers=EVENT_HEADERS,
                    model=opened.spec.name,
                )
            return Answer(json_bytes(await work.whole()), model=opened.spec.name)

    async def _prepare(self, request: ReplicaRequest, body: Body, opened: OpenGenerator) -> "_Work":
        if len(request.body) > INLINE_BYTES:
            prompts = await asyncio.to_thread(body.prompts, opened.generator)
        else:
            prompts = body.prompts(opened.generator)
        form = _format(body)
        head = Head(
            form.prefix + request.request_id,
            int(self._clock.now_s()),
            body.model,
            opened.spec.revision,
        )
        orders = orders_of(body, prompts, opened.generator.defaults, request)
        prompt_tokens = sum(len(prompt.ids) for prompt in prompts)
        return _Work(opened, orders, form, head, prompt_tokens)


class _Work:
    """One request's choices on their way into an answer."""

    def __init__(
        self,
        opened: OpenGenerator,
        orders: Sequence[GenerationOrder],
        form: Format,
        head: Head,
        prompt_tokens: int,
    ) -> None:
        self._opened = opened
        self._orders = orders
        self._form = form
        self._head = head
        self._prompt_tokens = prompt_tokens
        self._choices = [Written() for _ in orders]

    async def whole(self) -> dict[str, Any]:
        async with aclosing(self._pieces()) as pieces:
            async for found in pieces:
                self._choices[found.choice].take(found.piece)
        return self._form.whole(self._head, self._choices, self._usage())

    async def events(self, stack: AsyncExitStack, *, include_usage: bool) -> AsyncIterator[bytes]:
        """Server-sent events; at its end it leaves what was entered in ``stack``."""
        async with stack, aclosing(self._pieces()) as pieces:
            async for found in pieces:
                for said in self._said(found):
                    yield self._event([said], include_usage)
        if include_usage:
            yield data_bytes({**self._form.chunk(self._head, []), "usage": self._usage()})
        yield DONE

    def _said(self, found: ChoicePiece) -> Iterator[dict[str, Any]]:
        """What a piece adds to its choice, after what begins it."""
        written = self._choices[found.choice]
        opening = self._form.opening(found.choice) if not written.begun else None
        if opening is not None:
            yield opening
        yield self._form.piece(found.choice, written, found.piece)
        written.take(found.piece)

    def _pieces(self) -> AsyncGenerator[ChoicePiece, None]:
        return generate_choices(self._opened.generator, self._orders)

    def _event(self, choices: Sequence[dict[str, Any]], include_usage: bool) -> bytes:
        chunk = self._form.chunk(self._head, choices)
        return data_bytes({**chunk, "usage": None} if include_usage else chunk)

    def _usage(self) -> dict[str, Any]:
        return usage_of(self._prompt_tokens, self._choices)


def chat_route(generators: Generators, clock: Clock) -> CompletionsRoute:
    return CompletionsRoute(msgspec.json.Decoder(ChatBody).decode, generators, clock)


def text_route(generators: Generators, clock: Clock) -> CompletionsRoute:
    return CompletionsRoute(msgspec.json.Decoder(TextBody).decode, generators, clock)


def _format(body: Body) -> Format:
    logprobs = body.likeliest is not None
    if isinstance(body, ChatBody):
        return ChatFormat(logprobs=logprobs)
    given = [body.prompt] if isinstance(body.prompt, str) else body.prompt
    echoes = [str(text) if body.echo else "" for text in given for _ in range(body.n or 1)]
    return TextFormat(logprobs=logprobs, echoes=echoes)
