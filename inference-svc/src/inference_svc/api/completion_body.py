"""The bodies of /v1/completions and /v1/chat/completions, and what they order."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar

import msgspec

from fleetserve.errors import InvalidFieldError
from fleetserve.replica.exchange import ReplicaRequest
from inference_svc.generation.base import GenerationOrder, Prompt, Sampling, TextGenerator

Temperature = Annotated[float, msgspec.Meta(ge=0, le=2)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Choices = Annotated[int, msgspec.Meta(ge=1, le=128)]
MOST_STOPS = 4
# Asks for the likeliest token; a temperature of 0 itself can't be divided by.
GREEDY = 0.0


class StreamOptions(msgspec.Struct):
    include_usage: bool = False


class GenerationBody(msgspec.Struct, kw_only=True):
    """What the two have in common; the last group are the fleet's own additions."""

    model: str
    max_tokens: Count | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    n: Choices | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None

    top_k: Annotated[int, msgspec.Meta(ge=0)] | None = None
    min_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, msgspec.Meta(gt=0)] | None = None
    min_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0
    priority: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0

    # Fields that would change the text and are not offered: refused where they say something.
    refused: ClassVar[tuple[str, ...]] = ("presence_penalty", "frequency_penalty", "logit_bias")

    @property
    def include_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def stops(self) -> tuple[str, ...]:
        """Raises: InvalidFieldError: named ``stop``."""
        given = [self.stop] if isinstance(self.stop, str) else self.stop or []
        if len(given) > MOST_STOPS:
            raise InvalidFieldError("stop", f"has {len(given)} strings; at most {MOST_STOPS}")
        if "" in given:
            raise InvalidFieldError("stop", "has an empty string, which would end every text")
        return tuple(given)

    def check(self) -> None:
        """Raises: InvalidFieldError: a field that is not offered, or contradicts another."""
        for name in self.refused:
            if getattr(self, name):
                raise InvalidFieldError(name, "is not offered", code="unsupported_parameter")
        if self.stream_options is not None and not self.stream:
            raise InvalidFieldError("stream_options", "is for stream: true")

    def sampling(self, defaults: Sampling) -> Sampling:
        """What the model's own files say, where they sample at all; else OpenAI's defaults."""
        base = defaults
        if not defaults.do_sample:
            base = Sampling(do_sample=True, repetition_penalty=defaults.repetition_penalty)
        if self.temperature == GREEDY:
            base = replace(base, do_sample=False)
        elif self.temperature is not None:
            base = replace(base, temperature=self.temperature)
        own = ("top_p", "top_k", "min_p", "repetition_penalty", "seed")
        given = {name: value for name in own if (value := getattr(self, name)) is not None}
        return replace(base, **given)


class ChatBody(GenerationBody, kw_only=True):
    messages: list[dict[str, Any]]
    max_completion_tokens: Count | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    response_format: dict[str, Any] | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None

    refused: ClassVar[tuple[str, ...]] = (*GenerationBody.refused, "tools")

    def check(self) -> None:
        GenerationBody.check(self)
        if not self.messages:
            raise InvalidFieldError("messages", "is an empty list")
        kind = (self.response_format or {}).get("type", "text")
        if kind != "text":
            raise InvalidFieldError(
                "response_format", f"is {kind}; only text is offered", code="unsupported_parameter"
            )
        if self.top_logprobs is not None and not self.logprobs:
            raise InvalidFieldError("top_logprobs", "is for logprobs: true")

    @property
    def likeliest(self) -> int | None:
        return (self.top_logprobs or 0) if self.logprobs else None

    @property
    def most_tokens(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    def prompts(self, generator: TextGenerator) -> list[Prompt]:
        """Raises: InvalidFieldError: named ``messages``."""
        try:
            return [generator.read_chat([_plain(m, n) for n, m in enumerate(self.messages)])]
        except InvalidFieldError as exc:
            raise _renamed(exc, "messages") from None


class TextBody(GenerationBody, kw_only=True):
    prompt: str | list[str | int | list[int]] = ""
    max_tokens: Count | None = 16  # OpenAI's own default.
    logprobs: Annotated[int, msgspec.Meta(ge=0, le=5)] | None = None
    echo: bool | None = None
    best_of: int | None = None
    suffix: str | None = None

    refused: ClassVar[tuple[str, ...]] = (*GenerationBody.refused, "suffix")

    def check(self) -> None:
        GenerationBody.check(self)
        if self.best_of not in (None, 1, self.n):
            raise InvalidFieldError(
                "best_of", "is not offered but as n", code="unsupported_parameter"
            )
        if self.echo and self.logprobs is not None:
            raise InvalidFieldError("echo", "is not offered with logprobs")

    @property
    def likeliest(self) -> int | None:
        return self.logprobs

    @property
    def most_tokens(self) -> int | None:
        return self.max_tokens

    def prompts(self, generator: TextGenerator) -> list[Prompt]:
        """Raises: InvalidFieldError: named ``prompt``."""
        given = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        if not given:
            raise InvalidFieldError("prompt", "is an empty list")
        try:
            return [generator.read_text(_text(one)) for one in given]
        except InvalidFieldError as exc:
            raise _renamed(exc, "prompt") from None


def orders_of(
    body: ChatBody | TextBody,
    prompts: Sequence[Prompt],
    defaults: Sampling,
    request: ReplicaRequest,
) -> list[GenerationOrder]:
    """``n`` orders for each prompt, in order; with a seed each has one of its own."""
    sampling = body.sampling(defaults)
    common = GenerationOrder(
        prompts[0],
        max_new_tokens=body.most_tokens,
        min_new_tokens=body.min_tokens,
        stop=body.stops,
        top_logprobs=body.likeliest,
        priority=body.priority if request.priority is None else request.priority,
        deadline_s=request.deadline_s,
    )
    return [
        replace(common, prompt=prompt, sampling=_seeded(sampling, number))
        for prompt in prompts
        for number in range(body.n or 1)
    ]


def _seeded(sampling: Sampling, number: int) -> Sampling:
    if sampling.seed is None:
        return sampling
    return replace(sampling, seed=sampling.seed + number)


def _plain(message: dict[str, Any], index: int) -> dict[str, Any]:
    """A turn whose content is one text; OpenAI's clients may send it in parts."""
    content = message.get("content")
    if not isinstance(content, list):
        return message
    texts = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            raise InvalidFieldError(
                f"messages[{index}].content", f"has a part of type {kind}; only text is read"
            )
        texts.append(part["text"])
    return {**message, "content": "".join(texts)}


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise InvalidFieldError("prompt", "takes text; token ids are not read here")
    return given


def _renamed(exc: InvalidFieldError, name: str) -> InvalidFieldError:
    """The seam's ``inputs`` are another field here."""
    field = exc.field.replace("inputs", name, 1)
    reason = exc.detail.partition(": ")[2] or exc.detail
    return InvalidFieldError(field, reason, code=exc.code)
