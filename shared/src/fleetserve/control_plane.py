"""The ASGI layer around every control app: request ids, tokens, times, the request line."""

from fleetserve.asgi import App, Message, Receive, Scope, Send, header, send_error
from fleetserve.errors import UnauthorizedError
from fleetserve.request_ids import request_id_of
from fleetserve.request_log import RequestLog
from fleetserve.runtime import ServiceRuntime
from fleetserve.tokens import TOKEN_HEADER

OPEN_PATHS = frozenset({"/health", "/health/live", "/health/ready"})


class ControlPlane:
    """Wraps a control app. Everything but health wants the fleet's own token if asked to."""

    def __init__(self, app: App, runtime: ServiceRuntime, *, require_token: bool) -> None:
        self._app = app
        self._runtime = runtime
        self._require_token = require_token
        settings = runtime.settings
        self._log = RequestLog(runtime.sink, settings.service, settings.replica_id, runtime.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id_of(scope)
        if scope["type"] == "websocket":
            await self._open(scope, receive, send)
            return
        await self._answer(scope, receive, send)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket; one without the token is closed before it is open."""
        try:
            self._authorize(scope)
        except UnauthorizedError:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        self._runtime.metrics.in_flight += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._runtime.metrics.in_flight -= 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        clock, metrics = self._runtime.clock, self._runtime.metrics
        begin_s, request_id = clock.monotonic_s(), scope["fleet.request_id"]
        status, size = 500, 0

        async def watched_send(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                seconds = clock.monotonic_s() - begin_s
                message["headers"] = [
                    *(h for h in message["headers"] if h[0] != b"x-request-id"),
                    (b"x-request-id", request_id.encode()),
                    (b"x-process-time", f"{seconds:.6f}".encode()),
                ]
            else:
                size += len(message.get("body", b""))
            await send(message)

        metrics.in_flight += 1
        try:
            self._authorize(scope)
            await self._app(scope, receive, watched_send)
        except UnauthorizedError as exc:
            await send_error(watched_send, exc, request_id, scope["path"])
        finally:
            metrics.in_flight -= 1
            seconds = clock.monotonic_s() - begin_s
            route = _route(scope)
            metrics.record(route, status, seconds)
            self._write_line(scope, route, status, size, seconds)

    def _authorize(self, scope: Scope) -> None:
        if not self._require_token or scope["path"] in OPEN_PATHS:
            return
        token = header(scope, TOKEN_HEADER.encode())
        scope["fleet.caller"] = self._runtime.verifier.check(
            token.decode("latin-1") if token else None
        )

    def _write_line(self, scope: Scope, route: str, status: int, size: int, seconds: float) -> None:
        if scope["path"] in OPEN_PATHS and status < 400:
            return
        self._log.write(
            request_id=scope["fleet.request_id"],
            method=scope["method"],
            route=route,
            status=status,
            bytes_out=size,
            seconds=seconds,
            principal=scope.get("fleet.caller", ""),
        )


def _route(scope: Scope) -> str:
    route = scope.get("route")
    path = getattr(route, "path", None)
    return str(path) if path else "unmatched"
