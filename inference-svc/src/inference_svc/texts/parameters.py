"""The ``parameters`` of a text-generation request; pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from fleetserve.errors import InvalidFieldError
from inference_svc.generation.base import Sampling
from inference_svc.inputs import explain

MAX_STOPS = 16
MAX_STOP_CHARS = 256
MAX_TOP_LOGPROBS = 20
MAX_SEED = (1 << 63) - 1
# Any of these, given and not neutral, asks for sampling.
_SAMPLES = ("temperature", "top_k", "top_p", "min_p", "seed")


class _Fields(msgspec.Struct):
    max_new_tokens: Annotated[int, Meta(ge=1)] | None = None
    min_new_tokens: Annotated[int, Meta(ge=0)] | None = None
    do_sample: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=100)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Meta(gt=0, le=100)] | None = None
    seed: Annotated[int, Meta(ge=0, le=MAX_SEED)] | None = None
    stop: str | list[str] | None = None
    stop_strings: str | list[str] | None = None
    return_full_text: bool | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=MAX_TOP_LOGPROBS)] | None = None


# msgspec makes its plan of a type at the first use, and crashes where two threads do that at once.
msgspec.json.Decoder(_Fields)


class TextChoices(msgspec.Struct, frozen=True):
    """What a request chose; as ``GenerationOrder`` has it.

    Attributes:
        full_text: The prompt stands before the completion.
    """

    sampling: Sampling
    max_new_tokens: int | None
    min_new_tokens: int
    stop: tuple[str, ...]
    top_logprobs: int | None
    full_text: bool


def read_parameters(parameters: Mapping[str, object], defaults: Sampling) -> TextChoices:
    """The checked parameters, over the model's defaults.

    Raises: InvalidFieldError: named ``parameters.<name>``; unknown ones too.
    """
    for name in parameters:
        if name not in _Fields.__struct_fields__:
            known = ", ".join(_Fields.__struct_fields__)
            raise InvalidFieldError(
                f"parameters.{name}", f"is not known; text generation takes {known}"
            )
    try:
        fields = msgspec.convert(parameters, _Fields)
    except msgspec.ValidationError as exc:
        raise InvalidFieldError(*explain(exc, "parameters")) from None
    smallest = fields.min_new_tokens or 0
    if fields.max_new_tokens is not None and smallest > fields.max_new_tokens:
        raise InvalidFieldError(
            "parameters.min_new_tokens", f"is more than max_new_tokens, {fields.max_new_tokens}"
        )
    return TextChoices(
        sampling=_sampling(fields, defaults),
        max_new_tokens=fields.max_new_tokens,
        min_new_tokens=smallest,
        stop=_stops(fields),
        top_logprobs=_top(fields),
        full_text=bool(fields.return_full_text),
    )


def _sampling(fields: _Fields, defaults: Sampling) -> Sampling:
    """Temperature 0 is the likeliest token; any other wish about chance asks for sampling."""
    asked = any(getattr(fields, name) is not None for name in _SAMPLES)
    do_sample = (asked or defaults.do_sample) if fields.do_sample is None else fields.do_sample
    if fields.temperature == 0:
        do_sample = False
    given = {
        name: value
        for name in ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "seed")
        if (value := getattr(fields, name)) is not None
    }
    if fields.temperature == 0:
        del given["temperature"]
    return replace(defaults, do_sample=do_sample, **given)


def _stops(fields: _Fields) -> tuple[str, ...]:
    name = "stop" if fields.stop is not None else "stop_strings"
    value = getattr(fields, name)
    if value is None:
        return ()
    stops = (value,) if isinstance(value, str) else tuple(value)
    if len(stops) > MAX_STOPS:
        raise InvalidFieldError(f"parameters.{name}", f"takes at most {MAX_STOPS} strings")
    if any(not 0 < len(stop) <= MAX_STOP_CHARS for stop in stops):
        raise InvalidFieldError(f"parameters.{name}", f"each has 1 to {MAX_STOP_CHARS} characters")
    return stops


def _top(fields: _Fields) -> int | None:
    if fields.logprobs is False:
        return None
    if fields.logprobs or fields.top_logprobs is not None:
        return fields.top_logprobs or 0
    return None
