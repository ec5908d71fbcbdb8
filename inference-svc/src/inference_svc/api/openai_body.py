"""What the bodies of OpenAI's routes have in common."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from fleetserve.errors import BadRequestError, InvalidFieldError, UnsupportedMediaError
from fleetserve.replica.exchange import ReplicaRequest
from inference_svc.inputs import explain

B = TypeVar("B")


def decode_body(decode: Callable[[bytes], B], request: ReplicaRequest) -> B:
    """The checked body; fields that are not known are passed over.

    Raises: UnsupportedMediaError: not JSON by its content type; BadRequestError: not JSON at
    all; InvalidFieldError: a field is missing or of a wrong type, and which.
    """
    kind = request.content_type.partition(";")[0].strip().lower()
    if kind and kind != "application/json":
        raise UnsupportedMediaError(f"{request.path} takes application/json, not {kind}.")
    try:
        return decode(request.body)
    except msgspec.ValidationError as exc:
        field, wrong = explain(exc, "")
        code = "required" if wrong == "is missing" else None
        raise InvalidFieldError(field, wrong, code=code) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadRequestError(f"The body is not JSON: {exc}") from None
    except RecursionError:
        raise BadRequestError("The body is nested too deeply.") from None
