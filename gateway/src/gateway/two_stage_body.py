"""What the body of a request to a voice of two stages asks of each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson

from fleetserve.errors import InvalidFieldError, PayloadTooLargeError, UnsupportedMediaError
from gateway.bodies import Body

Value = TypeVar("Value")

# Parsed on the event loop, so it has to stay small.
MAX_BODY_BYTES = 1 << 20
_TEXT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "/synthesize": ("inputs", "text"),
    "/v1/audio/speech": ("input",),
}
_NOT_SPOKEN = frozenset(
    {"model_name", "model", "token", "webhook_url", "parameters", "speech_model"}
)


@dataclass(frozen=True, slots=True)
class StagedOrder:
    """A body, taken apart.

    Attributes:
        text_field: What the speech stage's route calls its text.
        parameters: The text stage's.
        speech_model: "" where the caller names none.
        speech_fields: All that the speech stage is to be told beside its text.
    """

    text: str
    text_field: str
    parameters: dict[str, Any]
    speech_model: str
    speech_fields: dict[str, Any]


def read_order(target: str, body: Body, max_chars: int) -> StagedOrder:
    """What is asked for on a route; ``target`` may have a query.

    Raises: InvalidFieldError, PayloadTooLargeError, UnsupportedMediaError: what is wrong with it.
    """
    if body.size > MAX_BODY_BYTES:
        raise PayloadTooLargeError(
            f"The body is {body.size} bytes long; no text of {max_chars} characters needs more "
            f"than {MAX_BODY_BYTES}."
        )
    names = _TEXT_FIELDS[target.partition("?")[0]]
    fields = _fields(body)
    text = _text(fields, names, max_chars)
    _refuse_markup(fields, names[0], text)
    rest = {k: v for k, v in fields.items() if k not in _NOT_SPOKEN and k not in names}
    return StagedOrder(
        text=text,
        text_field=names[0],
        parameters=_typed(fields, "parameters", {}, "an object is wanted"),
        speech_model=_typed(fields, "speech_model", "", "a model's name is wanted"),
        speech_fields=rest,
    )


def _fields(body: Body) -> dict[str, Any]:
    try:
        found = orjson.loads(body.view())
    except orjson.JSONDecodeError:
        raise UnsupportedMediaError("A text to be spoken is sent as application/json.") from None
    assert isinstance(found, dict)  # The model's name was read from it.
    return found


def _text(fields: Mapping[str, Any], names: tuple[str, ...], max_chars: int) -> str:
    given = [fields[name] for name in names if name in fields]
    if not given:
        raise InvalidFieldError(names[0], "is missing")
    if any(one != given[0] for one in given):
        raise InvalidFieldError(names[0], f"is the same field as {names[1]}, and they differ")
    text = given[0]
    if not isinstance(text, str) or not text.strip():
        raise InvalidFieldError(names[0], "a text is wanted")
    if len(text) > max_chars:
        raise PayloadTooLargeError(
            f"{names[0]}: {len(text)} characters; at most {max_chars} are taken at once."
        )
    return text


def _refuse_markup(fields: Mapping[str, Any], name: str, text: str) -> None:
    kind = fields.get("input_type")
    if kind == "ssml" or (kind is None and text.lstrip().startswith("<speak")):
        raise InvalidFieldError(
            name,
            "SSML would be rewritten like any text; a voice of two stages takes plain text",
        )


def _typed(fields: Mapping[str, Any], name: str, empty: Value, wanted: str) -> Value:
    value = fields.get(name)
    if value is None:
        return empty
    if not isinstance(value, type(empty)):
        raise InvalidFieldError(name, wanted)
    return value
