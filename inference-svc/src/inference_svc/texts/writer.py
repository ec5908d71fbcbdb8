"""/predict on a model that writes: from the inputs of a request to texts, whole or in pieces."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fleetserve.clock import Clock
from fleetserve.errors import FleetError, InvalidFieldError
from fleetserve.replica.event_stream import in_time
from inference_svc.generation.base import (
    FinishReason,
    GenerationNote,
    GenerationOrder,
    Message,
    Piece,
    Prompt,
    TextGenerator,
    TokenLogprob,
)
from inference_svc.prediction import INLINE_BYTES, Ask
from inference_svc.texts.access import Generators, OpenGenerator
from inference_svc.texts.inputs import read_text_inputs
from inference_svc.texts.parameters import TextChoices, read_parameters

LATE = (
    "The time for this request was over in the middle of the text; `timeout` allows more, or ask "
    "for fewer tokens by parameters.max_new_tokens."
)


@dataclass(slots=True)
class Text:
    """One input's completion, whole or as far as it has come."""

    source: str | list[Message]
    prompt: Prompt
    choices: TextChoices
    note: GenerationNote = field(default_factory=GenerationNote)
    parts: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    tokens: int = 0
    finish_reason: FinishReason | None = None

    def add(self, piece: Piece) -> None:
        self.parts.append(piece.text)
        self.logprobs += piece.logprobs
        self.tokens += piece.tokens
        self.finish_reason = piece.finish_reason or self.finish_reason

    @property
    def completion(self) -> str:
        return "".join(self.parts)


@dataclass(frozen=True, slots=True)
class Texts:
    """What a request got, in order; a failed input of a list is its error."""

    opened: OpenGenerator
    outcomes: list[Text | FleetError]
    batch: bool


@dataclass(frozen=True, slots=True)
class OpenText:
    """One text that is being written; ``pieces`` are to be given to ``text``."""

    opened: OpenGenerator
    text: Text
    pieces: AsyncIterator[Piece]


class TextWriter:
    """Event loop only; long prompts are tokenised in ``heavy``."""

    def __init__(self, generators: Generators, clock: Clock, heavy: Executor) -> None:
        self._generators = generators
        self._clock = clock
        self._heavy = heavy

    async def predict(self, ask: Ask) -> Texts:
        """Writes all of it.

        Raises: as Generators.open; InvalidFieldError: inputs or parameters; for a single input
        whatever it failed with.
        """
        async with self._generators.open(ask.model) as opened:
            generator = opened.generator
            choices = read_parameters(ask.parameters, generator.defaults)
            inputs = read_text_inputs(ask.inputs)
            prompts = await self._prompts(generator, inputs.values, ask.size_bytes)
            outcomes = await asyncio.gather(
                *(
                    _write(generator, ask, Text(source, prompt, choices))
                    if isinstance(prompt, Prompt)
                    else _failed(prompt)
                    for source, prompt in zip(inputs.values, prompts, strict=True)
                )
            )
            if not inputs.batch and isinstance(outcomes[0], FleetError):
                raise outcomes[0]
            return Texts(opened, list(outcomes), inputs.batch)

    @asynccontextmanager
    async def stream(self, ask: Ask) -> AsyncIterator[OpenText]:
        """One text while it is being written; leaving ends the work.

        Raises: as predict, those before anything was written.
        """
        async with self._generators.open(ask.model) as opened:
            generator = opened.generator
            choices = read_parameters(ask.parameters, generator.defaults)
            inputs = read_text_inputs(ask.inputs)
            if inputs.batch:
                raise InvalidFieldError("stream", "takes one input, not a list of them")
            (prompt,) = await self._prompts(generator, inputs.values, ask.size_bytes)
            if isinstance(prompt, FleetError):
                raise prompt
            text = Text(inputs.values[0], prompt, choices)
            async with generator.generate(_order(ask, text)) as pieces:
                text.note = pieces.note
                yield OpenText(opened, text, in_time(pieces, ask.deadline_s, self._clock, LATE))

    async def _prompts(
        self, generator: TextGenerator, values: Sequence[str | list[Message]], size_bytes: int
    ) -> list[Prompt | FleetError]:
        if size_bytes <= INLINE_BYTES:
            return _read_prompts(generator, values)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._heavy, _read_prompts, generator, values)


def _read_prompts(
    generator: TextGenerator, values: Sequence[str | list[Message]]
) -> list[Prompt | FleetError]:
    prompts: list[Prompt | FleetError] = []
    for value in values:
        try:
            prompts.append(
                generator.read_text(value) if isinstance(value, str) else generator.read_chat(value)
            )
        except FleetError as exc:
            prompts.append(exc)
    return prompts


def _order(ask: Ask, text: Text) -> GenerationOrder:
    choices = text.choices
    return GenerationOrder(
        text.prompt,
        choices.sampling,
        choices.max_new_tokens,
        choices.min_new_tokens,
        choices.stop,
        choices.top_logprobs,
        ask.priority,
        ask.deadline_s,
    )


async def _write(generator: TextGenerator, ask: Ask, text: Text) -> Text | FleetError:
    try:
        async with generator.generate(_order(ask, text)) as pieces:
            text.note = pieces.note
            async for piece in pieces:
                text.add(piece)
    except FleetError as exc:
        return exc
    return text


async def _failed(error: FleetError) -> Text | FleetError:
    return error
