"""The body of POST /predict, as API.md has it."""

from typing import Annotated, Any

import msgspec

from fleetserve.errors import BadRequestError, InvalidFieldError, UnsupportedMediaError
from inference_svc.inputs import explain

MAX_TIMEOUT_S = 86_400.0


class PredictBody(msgspec.Struct):
    """Fields of clients of two older styles are accepted; unknown ones are ignored."""

    inputs: Any = msgspec.UNSET
    model_name: str = ""
    model: str = ""
    priority: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    timeout: Annotated[float, msgspec.Meta(gt=0, le=MAX_TIMEOUT_S)] = 30.0
    enable_batching: bool = True
    parameters: dict[str, Any] | None = None
    stream: bool = False


_decode = msgspec.json.Decoder(PredictBody).decode


def read_body(raw: bytes, content_type: str) -> PredictBody:
    """The checked body.

    Raises: UnsupportedMediaError: not JSON by its content type; BadRequestError: not JSON at
    all; InvalidFieldError: a field is missing or of a wrong type, and which.
    """
    if content_type and not _is_json(content_type):
        raise UnsupportedMediaError(
            f"/predict takes application/json, not {content_type.partition(';')[0]}."
        )
    try:
        body = _decode(raw)
    except msgspec.ValidationError as exc:
        raise InvalidFieldError(*explain(exc, "")) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadRequestError(f"The body is not JSON: {exc}") from None
    except RecursionError:
        raise BadRequestError("The body is nested too deeply.") from None
    if body.inputs is msgspec.UNSET:
        raise InvalidFieldError("inputs", "is missing")
    return body


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or media.endswith("+json")
