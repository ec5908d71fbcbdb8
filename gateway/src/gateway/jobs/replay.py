"""Sends a stored request through the forwarder, as if its caller were waiting for it."""

import asyncio
import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import structlog

from fleetserve.asgi import App, Message, Scope
from fleetserve.auth.principals import Principal, PrincipalKind
from fleetserve.clock import Clock
from fleetserve.errors import FleetError
from gateway.data_routes import MATCH, RouteTable
from gateway.entrance import PRINCIPAL

log = structlog.get_logger(__name__)

CHUNK = 256 * 1024
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it is sent.

    Attributes:
        request_id: By which logs know it.
        body: The bytes, or the file that has them.
    """

    route: str
    query: str
    headers: list[tuple[str, str]]
    request_id: str
    principal: str
    body: bytes | Path


@dataclass(slots=True)
class Answered:
    """The head of the answer."""

    status: int = 0
    content_type: str = ""
    retry_after_s: float = 0.0


class Replayer:
    """On the event loop; at most ``width`` requests are in the fleet at one time.

    Args:
        app: The forwarder.
        routes: Where it finds the route of a call.
        clock: The process's.
        width: The bound for all jobs together.
        timeout_s: How long a request that is shed or lost is tried again.
    """

    def __init__(
        self, app: App, routes: RouteTable, clock: Clock, *, width: int, timeout_s: float
    ) -> None:
        self._app = app
        self._routes = routes
        self._clock = clock
        self._places = asyncio.Semaphore(width)
        self._timeout_s = timeout_s

    async def replay(self, call: Call, out: BinaryIO) -> Answered:
        """The answer, its body written to ``out``; a fleet that is full or ill is waited for."""
        until_s = self._clock.monotonic_s() + self._timeout_s
        pause_s = FIRST_PAUSE_S
        while True:
            out.seek(0)
            out.truncate()
            async with self._places:
                answered = await self._once(call, out)
            pause_s = max(pause_s, answered.retry_after_s)
            if answered.status != 503 or self._clock.monotonic_s() + pause_s > until_s:
                return answered
            log.info("job.waits", request_id=call.request_id, seconds=pause_s)
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _once(self, call: Call, out: BinaryIO) -> Answered:
        answered = Answered()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                _read_head(message, answered)
            else:
                out.write(message.get("body", b""))

        try:
            with _opened(call.body) as body:
                scope = {**_scope(call), MATCH: self._routes.find(call.route)}
                await self._app(scope, _Receiver(body), send)
        except FleetError as exc:
            # It broke off in its middle: repeating it does no harm, and there is nobody to tell.
            log.info("job.answer_lost", request_id=call.request_id, reason=exc.detail)
            return Answered(503)
        return answered


def _scope(call: Call) -> Scope:
    size = len(call.body) if isinstance(call.body, bytes) else call.body.stat().st_size
    headers = [
        *call.headers,
        ("content-length", str(size)),
        ("x-request-id", call.request_id),
    ]
    return {
        "type": "http",
        "method": "POST",
        "path": call.route,
        "raw_path": call.route.encode(),
        "query_string": call.query.encode("latin-1"),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        PRINCIPAL: Principal(call.principal, PrincipalKind.ADDRESS, frozenset(), ""),
    }


def _opened(body: bytes | Path) -> BinaryIO:
    return io.BytesIO(body) if isinstance(body, bytes) else body.open("rb")


class _Receiver:
    """The request's messages; after them nothing comes, since the caller does not leave."""

    def __init__(self, body: BinaryIO) -> None:
        self._body = body
        self._piece = body.read(CHUNK)
        self._ended = False

    async def __call__(self) -> Message:
        if self._ended:
            await asyncio.Event().wait()
        piece, self._piece = self._piece, self._body.read(CHUNK)
        self._ended = not self._piece
        return {"type": "http.request", "body": piece, "more_body": not self._ended}


def _read_head(message: Message, answered: Answered) -> None:
    answered.status = message["status"]
    for name, value in message["headers"]:
        if name == b"content-type":
            answered.content_type = value.decode("latin-1")
        elif name == b"retry-after" and value.isdigit():
            answered.retry_after_s = float(value)
