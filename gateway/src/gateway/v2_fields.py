"""The routing fields of KServe V2: the model is in the path, the rest in a small JSON head."""

import asyncio
from collections.abc import Mapping

import msgspec

from fleetserve.errors import BadRequestError, InvalidFieldError, UnsupportedMediaError
from gateway.bodies import Body
from gateway.routing_fields import THREAD_ABOVE, RoutingFields

HEAD_LENGTH = b"inference-header-content-length"
LONGEST_S = 86_400.0
# 1 is Triton's most urgent level and there is no last one; 10 is the fleet's, 0 its last.
MOST_URGENT = 11
_KINDS = (b"application/json", b"application/octet-stream")


class _Parameters(msgspec.Struct):
    timeout: int | None = None
    priority: int | None = None


class _Head(msgspec.Struct):
    parameters: _Parameters | None = None


_decode = msgspec.json.Decoder(_Head).decode
_NOTHING = _Parameters()


async def v2_fields(headers: Mapping[bytes, bytes], query: bytes, body: Body) -> RoutingFields:
    """Timeout (µs) and priority as Triton's clients send them, in ``parameters``.

    Tensors behind the JSON are not looked at, nor is a compressed body: that is the replica's.

    Raises: BadRequestError, InvalidFieldError: the JSON; UnsupportedMediaError: it may come
        from a web page of another origin.
    """
    del query
    refuse_pages(headers)
    if headers.get(b"content-encoding", b"identity") != b"identity":
        return RoutingFields("", None, 0, None)
    length = _head_length(headers.get(HEAD_LENGTH), body.size)
    if length > THREAD_ABOVE:
        parameters = await asyncio.to_thread(_read, body, length)
    else:
        parameters = _read(body, length)
    return RoutingFields("", _timeout(parameters.timeout), _priority(parameters.priority), None)


async def no_fields(headers: Mapping[bytes, bytes], query: bytes, body: Body) -> RoutingFields:
    """For routes that have nothing but their path."""
    del headers, query, body
    return RoutingFields("", None, 0, None)


def refuse_pages(headers: Mapping[bytes, bytes]) -> None:
    """Lets through what a browser can't send across origins without asking first.

    The protocol's clients send no Content-Type, so that it can't be demanded.

    Raises: UnsupportedMediaError.
    """
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind in _KINDS or HEAD_LENGTH in headers or b"origin" not in headers:
        return
    raise UnsupportedMediaError(
        "Web pages have to send Content-Type: application/json or application/octet-stream."
    )


def _head_length(given: bytes | None, size: int) -> int:
    if given is None:
        return size
    if not given.isdigit() or int(given) > size:
        raise BadRequestError(
            f"Inference-Header-Content-Length is {given.decode('latin-1')!r}; the body has"
            f" {size} bytes."
        )
    return int(given)


def _read(body: Body, length: int) -> _Parameters:
    try:
        return _decode(body.head(length)).parameters or _NOTHING
    except msgspec.ValidationError as exc:
        message, _, path = str(exc).partition(" - at `$")
        raise InvalidFieldError(path.strip("`.") or "body", message) from None
    except msgspec.DecodeError as exc:
        raise BadRequestError(f"The body is not JSON: {exc}", code="invalid_json") from None


def _timeout(micros: int | None) -> float | None:
    """Seconds; 0 is the server's default, as in Triton."""
    if not micros:
        return None
    if not 0 < micros <= LONGEST_S * 1e6:
        raise InvalidFieldError("parameters.timeout", f"{micros} is not within 0 to a day (in µs)")
    return micros / 1e6


def _priority(level: int | None) -> int:
    if not level:
        return 0
    if level < 0:
        raise InvalidFieldError("parameters.priority", f"{level} is not a level; 1 is the first")
    return max(0, MOST_URGENT - level)
