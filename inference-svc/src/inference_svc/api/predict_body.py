"""The body of POST /predict, as API.md has it."""

from typing import Annotated, Any

import msgspec

from fleetserve.errors import BadRequestError, InvalidFieldError, UnsupportedMediaError
from fleetserve.multipart import Form, read_form
from inference_svc.inputs import explain

MAX_TIMEOUT_S = 86_400.0
FORM = "multipart/form-data"
FILE_FIELD = "file"


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

    Raises: UnsupportedMediaError: neither JSON nor a form; BadRequestError: not JSON at all, or
    a broken form; InvalidFieldError: a field is missing or of a wrong type, and which.
    """
    media = content_type.partition(";")[0].strip().lower()
    if media == FORM:
        return _body_of_form(read_form(raw, content_type))
    if media and not (media == "application/json" or media.endswith("+json")):
        raise UnsupportedMediaError(f"/predict takes application/json or {FORM}, not {media}.")
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


def _body_of_form(form: Form) -> PredictBody:
    """The file is the input; all else stands in text fields, ``parameters`` as JSON."""
    for name in form.files:
        if name != FILE_FIELD:
            raise InvalidFieldError(name, f"the file belongs into the field {FILE_FIELD!r}")
    if FILE_FIELD not in form.files:
        raise InvalidFieldError(FILE_FIELD, "is missing: send the input as a file of the form")
    if "inputs" in form.fields:
        raise InvalidFieldError("inputs", f"a form carries its input in the field {FILE_FIELD!r}")
    fields: dict[str, Any] = {name: values[-1] for name, values in form.fields.items()}
    if "parameters" in fields:
        fields["parameters"] = _parameters(fields["parameters"])
    try:
        body = msgspec.convert(fields, PredictBody, strict=False)
    except msgspec.ValidationError as exc:
        raise InvalidFieldError(*explain(exc, "")) from None
    body.inputs = form.files[FILE_FIELD]
    return body


def _parameters(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as exc:
        raise InvalidFieldError("parameters", f"is not JSON: {exc}") from None
