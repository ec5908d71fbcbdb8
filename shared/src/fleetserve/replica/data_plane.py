"""The path of a request through a replica: plain ASGI, no framework, no task of its own."""

import asyncio
from collections.abc import Collection, Mapping

import structlog

from fleetserve.asgi import App, ClientGoneError, Receive, Scope, Send, read_body
from fleetserve.clock import Clock
from fleetserve.errors import FleetError, MethodNotAllowedError, ShedError
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.replica.admission import Admission
from fleetserve.replica.exchange import Handler, ReplicaRequest
from fleetserve.replica.reply import Reply
from fleetserve.replica.spool import Spool
from fleetserve.request_ids import request_id_from
from fleetserve.request_log import RequestLog
from fleetserve.request_watch import Flight, RequestWatch
from fleetserve.spooled_file import SpooledFile
from fleetserve.tokens import TokenVerifier

log = structlog.get_logger(__name__)

MAX_DIGITS = 12


class DataPlane:
    """The ASGI app of a replica: a POST to a path of the table goes to its handler.

    Everything else (other paths, lifespan, websockets) goes to the control app.

    Args:
        verifier: Checks the service-to-service token; None: every caller is taken.
        default_timeout_s: For requests that tell no deadline.
        spool: Keeps large bodies of the routes that take files.
        file_routes: Those routes.
    """

    def __init__(
        self,
        routes: Mapping[str, Handler],
        *,
        control: App,
        admission: Admission,
        watch: RequestWatch,
        clock: Clock,
        metrics: RequestMetrics,
        max_body_bytes: int,
        default_timeout_s: float,
        verifier: TokenVerifier | None = None,
        request_log: RequestLog | None = None,
        spool: Spool | None = None,
        file_routes: Collection[str] = (),
    ) -> None:
        self._routes = dict(routes)
        self._control = control
        self._admission = admission
        self._watch = watch
        self._now_s = clock.monotonic_s
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._default_timeout_s = default_timeout_s
        self._verifier = verifier
        self._request_log = request_log
        self._spool = spool
        self._file_routes = frozenset(file_routes)
        self._refusing = ""

    def refuse(self, reason: str) -> None:
        """Sheds every request from now on: this replica can't compute any more."""
        self._refusing = reason

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._routes.get(scope["path"]) if scope["type"] == "http" else None
        if handler is None:
            await self._control(scope, receive, send)
            return
        request = self._read_head(scope)
        reply = Reply(send, request.request_id, request.path)
        try:
            self._let_in(scope, request)
        except FleetError as exc:
            reply.in_flight = self._admission.requests
            await reply.fail(exc)
        else:
            await self._serve(handler, request, receive, reply)
        self._note(request, reply)

    def _read_head(self, scope: Scope) -> ReplicaRequest:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        received_s = self._now_s()
        offered = headers.get(b"x-request-id")
        model = headers.get(b"x-fleet-model")
        time_left = _number(headers.get(b"x-fleet-timeout-ms"))
        timeout_s = self._default_timeout_s if time_left is None else time_left / 1000.0
        return ReplicaRequest(
            path=scope["path"],
            query=scope["query_string"],
            headers=headers,
            body=b"",
            content_type=headers.get(b"content-type", b"").decode("latin-1"),
            request_id=request_id_from(offered.decode("latin-1") if offered else None),
            model=model.decode("utf-8", "replace") if model else None,
            priority=_priority(headers.get(b"x-fleet-priority")),
            attempt=_number(headers.get(b"x-fleet-attempt")) or 0,
            received_s=received_s,
            deadline_s=received_s + timeout_s,
            deadline_given=time_left is not None,
        )

    def _let_in(self, scope: Scope, request: ReplicaRequest) -> None:
        if self._verifier is not None:
            token = request.headers.get(b"x-fleet-token")
            self._verifier.check(token.decode("latin-1") if token else None)
        if scope["method"] != "POST":
            raise MethodNotAllowedError(
                f"{request.path} takes POST, not {scope['method']}.", headers={"Allow": "POST"}
            )
        if self._refusing:
            raise ShedError(self._refusing)
        self._admission.enter()

    async def _serve(
        self, handler: Handler, request: ReplicaRequest, receive: Receive, reply: Reply
    ) -> None:
        """Reads the body, asks the handler, sends what it says; always leaves the admission."""
        task = asyncio.current_task()
        assert task is not None
        flight = Flight(task, request.received_s, request.deadline_s)
        request.flight = flight
        self._watch.enter(flight)
        self._metrics.in_flight += 1
        held = 0
        try:
            size = await self._read_body(request, receive)
            self._admission.hold(size)
            held = size
            flight.receive = receive
            answer = await handler(request)
            reply.in_flight = self._admission.requests - 1
            await reply.answer(answer)
        except asyncio.CancelledError:
            if flight.dropped is None:
                raise
            task.uncancel()
            await self._end(reply, flight.dropped)
        except Exception as exc:  # noqa: BLE001 - rendered once, here
            await self._end(reply, exc)
        finally:
            self._watch.leave(flight)
            self._admission.leave(held)
            self._metrics.in_flight -= 1

    async def _read_body(self, request: ReplicaRequest, receive: Receive) -> int:
        """Its bytes."""
        if self._spool is None or request.path not in self._file_routes:
            request.body = await read_body(receive, self._max_body_bytes)
            return len(request.body)
        body = await self._spool.read(receive, self._max_body_bytes)
        if isinstance(body, SpooledFile):
            request.file = body
        else:
            request.body = body
        return len(body)

    async def _end(self, reply: Reply, exc: Exception) -> None:
        """Answers an error, if somebody is there and no other answer has begun."""
        if isinstance(exc, ClientGoneError):
            reply.status = 499
            return
        if not isinstance(exc, FleetError):
            log.error("request.failed", request_id=reply.request_id, exc_info=exc)
        reply.in_flight = self._admission.requests - 1
        await reply.fail(exc)

    def _note(self, request: ReplicaRequest, reply: Reply) -> None:
        seconds = self._now_s() - request.received_s
        model = reply.model or request.model or ""
        self._metrics.record(request.path, reply.status, seconds, model)
        if self._request_log is not None:
            self._request_log.write(
                request_id=request.request_id,
                method="POST",
                route=request.path,
                status=reply.status,
                bytes_out=reply.size,
                seconds=seconds,
                model=model,
                attempts=request.attempt,
            )


def _priority(value: bytes | None) -> int | None:
    """As _number, but for jobs: theirs is below 0."""
    if value is None or value[:1] != b"-":
        return _number(value)
    found = _number(value[1:])
    return None if found is None else -found


def _number(value: bytes | None) -> int | None:
    """A header of few digits; anything else counts as absent, since only services send these."""
    if value is None or len(value) > MAX_DIGITS or not value.isdigit():
        return None
    return int(value)
