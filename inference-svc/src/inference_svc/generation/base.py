"""The seam behind which text is generated: /predict and the compatible routes stand on it.

    async with generators.open("smollm2") as opened:         # texts/access.py; loads it if need be
        generator = opened.generator
        prompt = generator.read_chat([{"role": "user", "content": "Hello!"}])
        order = GenerationOrder(prompt, sampling=generator.defaults, max_new_tokens=64)
        async with generator.generate(order) as pieces:
            async for piece in pieces:
                ...                                           # text as it comes; the last one ends

Nothing vendor-specific gets through here: no tensors, no tokenizer, no library's errors.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self

Message = Mapping[str, Any]
"""One turn of a chat: ``role`` and ``content``, and whatever else the model's template knows."""


class FinishReason(StrEnum):
    """STOP: the model ended it, or a stop string came; LENGTH: max_new_tokens, or no position."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class GeneratorInfo:
    """What callers are told.

    Attributes:
        max_tokens: Prompt and completion together: the model's positions.
        chat: It has a chat template.
        dtype: Of the weights.
    """

    device: str
    dtype: str
    max_tokens: int
    chat: bool


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen, with transformers' meanings and in its order of processing.

    Attributes:
        do_sample: False: the likeliest token; everything but repetition_penalty is then unused.
        temperature: Above 0.
        top_k: 0 keeps all; top_p: 1 keeps all; min_p: 0 keeps all.
        repetition_penalty: 1 is none; counts the prompt's tokens too.
        seed: The same order with the same seed gives the same text, whatever runs beside it.
            None: a new one each time.
    """

    do_sample: bool = False
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """A prompt that a generator has made: ``text`` as the model reads it, and its tokens."""

    text: str
    ids: Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class GenerationOrder:
    """One text that is to be generated.

    Attributes:
        max_new_tokens: At least 1; None: what the model's files say, else 256, within its
            positions. Memory is reserved for this many.
        min_new_tokens: The model can't end before.
        stop: Strings that end the text; they are not part of it.
        top_logprobs: None: none are told; n: each token's own, and the n likeliest. They are of
            the model's distribution, before any of ``sampling``.
        priority: 0 to 10, higher starts first.
        deadline_s: Monotonic; over, the work ends with DeadlineError before its next step.
    """

    prompt: Prompt
    sampling: Sampling = field(default_factory=Sampling)
    max_new_tokens: int | None = None
    min_new_tokens: int = 0
    stop: tuple[str, ...] = ()
    top_logprobs: int | None = None
    priority: int = 0
    deadline_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token and the natural logarithm of its probability.

    Attributes:
        text: Of this token alone; U+FFFD where it is a part of a character.
        top: The likeliest at its place, the likeliest first, each without a ``top`` of its own.
    """

    id: int
    text: str
    logprob: float
    top: tuple["TokenLogprob", ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the completion.

    Attributes:
        text: Whole characters; only the last piece may have none. What could still become a stop
            string or a longer character is held back, so a piece may stand for several tokens.
        tokens: How many it stands for; over all pieces the completion's tokens, the end token
            included.
        logprobs: One per token if the order asked for them.
        finish_reason: Set on the last piece and only there.
    """

    text: str
    tokens: int
    logprobs: tuple[TokenLogprob, ...] = ()
    finish_reason: FinishReason | None = None


@dataclass(slots=True)
class GenerationNote:
    """Filled in while a text is generated; times are monotonic seconds, None: not yet.

    Attributes:
        submitted_s: It was handed over; started_s: its first step began.
        compute_s: Of the steps it took part in, all that ran in them counted.
        steps: How many those were; batch_size: the most texts that shared one.
    """

    submitted_s: float | None = None
    started_s: float | None = None
    first_token_s: float | None = None
    ended_s: float | None = None
    compute_s: float = 0.0
    steps: int = 0
    batch_size: int = 0


class GenerationStream(Protocol):
    """The pieces of one text, for one reader on the event loop; always close it.

    A reader who is slow holds up this text and no other. Closing drops the work before its next
    step; so does cancelling the reader's task, once the stream is closed on the way out.

    Raises (while it is read): ShedError: nothing was computed, repeat it elsewhere; DeadlineError;
    DoesNotFitError: more memory than there is; InternalError: the model failed.
    """

    @property
    def note(self) -> GenerationNote: ...

    def __aiter__(self) -> AsyncIterator[Piece]: ...

    async def __anext__(self) -> Piece: ...

    async def aclose(self) -> None: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class TextGenerator(Protocol):
    """A loaded model that generates text. Many texts at once share its steps.

    ``read_text`` and ``read_chat`` are for any thread, several at once; they tokenise, so a long
    text belongs into a thread. ``generate`` is for the event loop.
    """

    @property
    def info(self) -> GeneratorInfo: ...

    @property
    def defaults(self) -> Sampling:
        """What the model's own generation_config.json says; greedy where it says nothing."""
        ...

    def read_text(self, text: str) -> Prompt:
        """A text that is to be continued.

        Raises: InvalidFieldError: named ``inputs``: no token comes of it, or more than fit.
        """
        ...

    def read_chat(
        self, messages: Sequence[Message], *, tools: Sequence[Mapping[str, Any]] | None = None
    ) -> Prompt:
        """A chat by the model's own template, up to where the assistant's turn begins.

        Raises: InvalidFieldError: named ``inputs``: it has no template, the template refuses these
        messages, or they are too long.
        """
        ...

    def generate(self, order: GenerationOrder) -> GenerationStream:
        """Hands the work over; nothing is awaited.

        Raises: InvalidFieldError: named ``parameters.max_new_tokens``: more than the positions
        that the prompt leaves; DoesNotFitError: its memory is more than the model's whole budget;
        ShedError: too much waits already, or the model is being unloaded.
        """
        ...
