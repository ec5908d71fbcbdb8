"""What a request's ``inputs`` mean for a model that writes: texts or chats; pure."""

from typing import Any

import msgspec

from fleetserve.errors import InvalidFieldError
from inference_svc.generation.base import Message
from inference_svc.inputs import kind_of

TAKES = (
    "takes a string, a chat (a list of objects with role and content), or a list of strings or of "
    "chats"
)


class TextInputs(msgspec.Struct, frozen=True):
    """``values``: each a text or a chat; ``batch``: they came as a list."""

    values: list[str | list[Message]]
    batch: bool


def read_text_inputs(inputs: object) -> TextInputs:
    """Raises: InvalidFieldError: wrong type, at ``inputs`` or ``inputs[i]``; or an empty list."""
    if isinstance(inputs, str):
        return TextInputs([inputs], batch=False)
    if not isinstance(inputs, list):
        raise InvalidFieldError("inputs", f"{TAKES}, not {kind_of(inputs)}")
    if not inputs:
        raise InvalidFieldError("inputs", "is an empty list; there is nothing to write")
    if isinstance(inputs[0], dict):
        return TextInputs([_read_chat(inputs, "inputs")], batch=False)
    return TextInputs(
        [_read_one(value, f"inputs[{place}]") for place, value in enumerate(inputs)], batch=True
    )


def _read_one(value: object, field: str) -> str | list[Message]:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        return _read_chat(value, field)
    raise InvalidFieldError(field, f"takes a string or a chat, not {kind_of(value)}")


def _read_chat(messages: list[Any], field: str) -> list[Message]:
    for place, message in enumerate(messages):
        name = f"{field}[{place}]"
        if not isinstance(message, dict):
            raise InvalidFieldError(name, f"takes an object, not {kind_of(message)}")
        if not isinstance(message.get("role"), str):
            raise InvalidFieldError(f"{name}.role", "is missing, or not a string")
        if "content" not in message:
            raise InvalidFieldError(f"{name}.content", "is missing")
    return messages
