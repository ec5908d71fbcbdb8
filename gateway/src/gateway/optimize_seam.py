"""POST /models/manage with action=optimize is POST /server/optimize by another name."""

from typing import Any
from urllib.parse import parse_qsl

import orjson

from fleetserve.asgi import Message, RawHeaders, Receive, Scope, read_body
from fleetserve.auth.principals import require
from fleetserve.auth.scopes import RouteScopes
from gateway.entrance import PRINCIPAL

MANAGE = "/models/manage"
OPTIMIZE = "/server/optimize"
# What manages a model is a few fields.
MAX_BODY = 64 * 1024
_ACCESS = RouteScopes().access("POST", OPTIMIZE)


def may_optimize(scope: Scope) -> bool:
    """Whether it has to be looked at what is asked for."""
    return (scope["path"], scope["method"]) == (MANAGE, "POST")


async def as_optimize(scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
    """The request as it goes on: unchanged, or as the optimisation that it stands for.

    Raises: PayloadTooLargeError; ClientGoneError; ForbiddenError: what /server/optimize asks of a
    credential this one has not.
    """
    body = await read_body(receive, MAX_BODY)
    fields = _fields(scope, body)
    if fields.pop("action", None) != "optimize":
        return scope, _replayed(body, receive)
    principal = scope.get(PRINCIPAL)
    if principal is not None:
        require(principal, _ACCESS)
    body = orjson.dumps(fields)
    changed = {**scope, "path": OPTIMIZE, "raw_path": OPTIMIZE.encode(), "query_string": b""}
    changed["headers"] = _headers(scope["headers"], body)
    return changed, _replayed(body, receive)


def _fields(scope: Scope, body: bytes) -> dict[str, Any]:
    """Of the query and of the body, which counts; a body that can't be read is not our business."""
    fields: dict[str, Any] = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    try:
        told = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError:
        told = {}
    return fields | told if isinstance(told, dict) else fields


def _headers(headers: RawHeaders, body: bytes) -> RawHeaders:
    kept = [(k, v) for k, v in headers if k not in (b"content-type", b"content-length")]
    size = str(len(body)).encode()
    return [*kept, (b"content-type", b"application/json"), (b"content-length", size)]


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives the body once more; afterwards what the client does."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
