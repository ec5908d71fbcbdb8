"""The few fields of a body that the gateway needs to know where it goes and how long it has."""

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qs

import msgspec

from fleetserve.errors import BadRequestError, InvalidFieldError, UnsupportedMediaError
from gateway import form
from gateway.bodies import Body

THREAD_ABOVE = 256 * 1024
_NAMES = ("model_name", "model", "timeout", "priority", "token", "webhook_url")


class _Fields(msgspec.Struct):
    model_name: str | None = None
    model: str | None = None
    timeout: float | None = None
    priority: int | None = None
    token: str | None = None
    webhook_url: str | None = None


_decode = msgspec.json.Decoder(_Fields).decode


class RoutingFields(msgspec.Struct, frozen=True):
    """``timeout_s`` is None when the caller set none; ``priority`` is 0 to 10."""

    model: str
    timeout_s: float | None
    priority: int
    token: str | None
    webhook_url: str | None = None


async def routing_fields(headers: Mapping[bytes, bytes], query: bytes, body: Body) -> RoutingFields:
    """Reads the fields from the body, the query or X-Model-Name.

    Raises: InvalidFieldError: a wrong or missing field; BadRequestError: not JSON, not
        multipart; UnsupportedMediaError: another content type.
    """
    kind = headers.get(b"content-type", b"").decode("latin-1").strip()
    if body.size > THREAD_ABOVE:
        fields = await asyncio.to_thread(_read, kind, body)
    else:
        fields = _read(kind, body)
    model = fields.model_name or fields.model or _named_elsewhere(headers, query)
    if not model:
        raise InvalidFieldError(
            "model_name", "required; GET /models lists the models", code="required"
        )
    return RoutingFields(
        model,
        _timeout(fields.timeout),
        _priority(fields.priority),
        fields.token,
        fields.webhook_url,
    )


def _read(kind: str, body: Body) -> _Fields:
    name = kind.partition(";")[0].rstrip().lower()
    if name == "application/json":
        return _from_json(body)
    if name == form.KIND:
        return _from_multipart(kind, body)
    raise UnsupportedMediaError(
        f"Content-Type {kind or 'none'} is not taken here; send application/json"
        " (or multipart/form-data with a file)."
    )


def _from_json(body: Body) -> _Fields:
    try:
        return _decode(body.view())
    except msgspec.ValidationError as exc:
        message, _, path = str(exc).partition(" - at `$")
        raise InvalidFieldError(path.strip("`.") or "body", message) from None
    except msgspec.DecodeError as exc:
        raise BadRequestError(f"The body is not JSON: {exc}", code="invalid_json") from None


def _timeout(value: float | None) -> float | None:
    if value is not None and not 0 < value <= 86_400:
        raise InvalidFieldError("timeout", f"{value} is not over 0 and at most 86400 (seconds)")
    return value


def _priority(value: int | None) -> int:
    if value is not None and not 0 <= value <= 10:
        raise InvalidFieldError("priority", f"{value} is not within 0 to 10")
    return value or 0


def _named_elsewhere(headers: Mapping[bytes, bytes], query: bytes) -> str:
    named = headers.get(b"x-model-name")
    if named:
        return named.decode("latin-1")
    given = parse_qs(query.decode("latin-1")) if query else {}
    return next((given[name][0] for name in ("model_name", "model") if name in given), "")


def _from_multipart(kind: str, body: Body) -> _Fields:
    raw = form.read_form(kind, body.view(), _NAMES)
    try:
        return msgspec.convert(raw, _Fields, strict=False)
    except msgspec.ValidationError as exc:
        message, _, path = str(exc).partition(" - at `$")
        raise InvalidFieldError(path.strip("`.") or "body", message) from None
