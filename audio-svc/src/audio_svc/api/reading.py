"""Reads request bodies into checked fields."""

from collections.abc import Mapping
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from fleetserve.app import describe_invalid
from fleetserve.errors import BadRequestError, InvalidFieldError, UnsupportedMediaError

B = TypeVar("B", bound=BaseModel)
EXTRA_FIELD = "extra_forbidden"


def media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def is_json(content_type: str) -> bool:
    media = media_type(content_type)
    return media in ("", "application/json") or media.endswith("+json")


def read_json(raw: bytes) -> dict[str, Any]:
    """The object in a JSON body.

    Raises: BadRequestError: not JSON; InvalidFieldError: JSON, but no object.
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise BadRequestError(f"The body is not JSON: {exc}") from None
    if not isinstance(value, dict):
        raise InvalidFieldError("body", "must be a JSON object")
    return value


def refuse_media(route: str, content_type: str, taken: str) -> UnsupportedMediaError:
    return UnsupportedMediaError(f"{route} takes {taken}, not {media_type(content_type)}.")


def check_fields(body: type[B], fields: Mapping[str, Any]) -> B:
    """The checked fields; null is the same as leaving a field out.

    Raises: InvalidFieldError: the first that is wrong, missing or not known here.
    """
    known = body.model_fields
    given = {key: v for key, v in fields.items() if v is not None or key not in known}
    try:
        return body.model_validate(given)
    except ValidationError as exc:
        error = exc.errors(include_url=False, include_input=False)[0]
        name, message = describe_invalid(error)
        if error["type"] == EXTRA_FIELD:
            message = f"there is no such field; there are {', '.join(sorted(known))}"
        raise InvalidFieldError(name, message) from None
