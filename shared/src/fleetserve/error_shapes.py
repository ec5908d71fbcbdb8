"""An error in the shape that its route's clients read: native, OpenAI's or KServe V2's.

The path alone says which, so that whoever renders an error (entrance, gateway, replica) renders
it alike.
"""

from collections.abc import Mapping

import orjson

from fleetserve.errors import (
    JSON_CONTENT,
    FleetError,
    InvalidFieldError,
    as_fleet_error,
    error_body,
)

_OPENAI, _V2 = "/v1/", "/v2/"
_OPENAI_CODES: Mapping[str, str] = {
    "scope_missing": "missing_scope",
    "rate_limited": "rate_limit_exceeded",
    "not_found": "unknown_url",
    "invalid_field": "invalid_value",
    "required": "missing_required_parameter",
    "prompt_too_long": "context_length_exceeded",
}
# The same thing has another name in OpenAI's bodies.
_OPENAI_FIELDS: Mapping[str, str] = {
    "model_name": "model",
    "inputs": "input",
    "max_new_tokens": "max_tokens",
    "min_new_tokens": "min_tokens",
    "initial_prompt": "prompt",
    "output_format": "response_format",
}


def render_for(path: str, exc: BaseException, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and JSON body for any exception on a route.

    Raises: nothing; an exception outside the tree is an opaque 500.
    """
    error = as_fleet_error(exc)
    headers = {"content-type": JSON_CONTENT, "x-request-id": request_id, **error.headers}
    return status_for(path, error), headers, orjson.dumps(body_for(path, error, request_id))


def status_for(path: str, error: FleetError) -> int:
    """Neither of the two protocols knows 422: what a field has wrong is a bad request there."""
    native = not (is_openai(path) or is_v2(path))
    return error.status if native or error.status != 422 else 400


def body_for(path: str, error: FleetError, request_id: str) -> dict[str, object]:
    """The JSON object of an error on a route."""
    if is_openai(path):
        return {"error": _openai(error)}
    if is_v2(path):
        return {"error": error.detail}
    return error_body(error, request_id)


def is_openai(path: str) -> bool:
    return path.startswith(_OPENAI)


def is_v2(path: str) -> bool:
    return path.startswith(_V2) or path == "/v2"


def _openai(error: FleetError) -> dict[str, object]:
    param: str | None = None
    message = error.detail
    if isinstance(error, InvalidFieldError):
        # Task parameters are fields of their own there.
        root, rest = _split(error.field.removeprefix("parameters."))
        param = _OPENAI_FIELDS.get(root, root) + rest
        message = message.replace(error.field, param, 1)
    elif error.code == "model_not_found":
        param = "model"
    return {
        "message": message,
        "type": _openai_type(error.status),
        "param": param,
        "code": _openai_code(error),
    }


def _openai_code(error: FleetError) -> str:
    """Whatever is wrong with a credential is one code there."""
    return "invalid_api_key" if error.status == 401 else _OPENAI_CODES.get(error.code, error.code)


def _openai_type(status: int) -> str:
    if status == 429:
        return "requests"
    return "server_error" if status >= 500 else "invalid_request_error"


def _split(field: str) -> tuple[str, str]:
    """``inputs[2]`` as its name and what follows."""
    end = next((n for n, sign in enumerate(field) if sign in "[."), len(field))
    return field[:end], field[end:]
