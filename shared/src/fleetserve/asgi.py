"""Small pieces of plain ASGI, for the paths where a framework costs more than the work."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from fleetserve.error_shapes import render_for
from fleetserve.errors import PayloadTooLargeError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]


class ClientGoneError(Exception):
    """The caller closed its connection; there is nobody to answer."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body.

    Raises: PayloadTooLargeError: more than ``limit`` bytes; ClientGoneError: it broke off.
    """
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGoneError
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False) and len(first) <= limit:
        return first
    parts, size = [first], len(first)
    while message.get("more_body", False) and size <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    if size > limit:
        raise PayloadTooLargeError(f"The body is over {limit} bytes.")
    return b"".join(parts)


async def send_response(
    send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
) -> None:
    """A whole response at once; content-length is added."""
    head = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, exc: BaseException, request_id: str, path: str = "") -> int:
    """Renders any exception in the shape of its route; returns the status."""
    status, headers, body = render_for(path, exc, request_id)
    raw = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
    await send_response(send, status, raw, body)
    return status
