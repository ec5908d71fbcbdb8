"""The proxy as an ASGI app: reads a call, checks it, makes it anew, passes the answer on."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import orjson
import structlog

from autoscaler_svc.container_clone import clone_body, clone_name
from autoscaler_svc.proxy.calls import API_VERSION, Call, CallKind, parse_call
from autoscaler_svc.proxy.create_check import check_create, service_of
from autoscaler_svc.proxy.engine.base import Engine, EngineAnswer
from autoscaler_svc.proxy.errors import EngineAwayError, RefusedError
from autoscaler_svc.proxy.project import Project, is_managed
from fleetserve.asgi import ClientGoneError, RawHeaders, Receive, Scope, Send, read_body
from fleetserve.errors import PayloadTooLargeError

log = structlog.get_logger(__name__)

MAX_BODY = 64 * 1024
# More than any fleet has; whoever asks for more is not an autoscaler.
MOST_MANAGED = 64
_JSON = "application/json"
_VERBS = {CallKind.START: "start", CallKind.STOP: "stop", CallKind.KILL: "kill"}


class EngineProxy:
    """Stands before the engine; see ``calls`` for what it passes on and ``create_check``."""

    def __init__(self, engine: Engine, project: Project) -> None:
        self._engine = engine
        self._project = project
        self._handlers: dict[CallKind, Callable[[Call, bytes], Awaitable[EngineAnswer]]] = {
            CallKind.PING: self._ping,
            CallKind.LIST: self._list,
            CallKind.INSPECT: self._inspect,
            CallKind.CREATE: self._create,
            CallKind.REMOVE: self._remove,
            **dict.fromkeys(_VERBS, self._act),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope, receive)
        except ClientGoneError:
            return
        except PayloadTooLargeError as exc:
            answer = _message(413, exc.detail)
        except RefusedError as exc:
            target = scope["raw_path"][:200].decode("latin-1")
            log.warning("call.refused", method=scope["method"], path=target, reason=exc.reason)
            answer = _message(exc.status, f"refused: {exc.reason}")
        except EngineAwayError as exc:
            log.warning("engine.away", reason=str(exc))
            answer = _message(503, str(exc))
        await _send(send, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> EngineAnswer:
        call = parse_call(scope["method"], scope["raw_path"], scope["query_string"])
        _check_headers(scope["headers"], has_body=call.kind is CallKind.CREATE)
        body = await read_body(receive, MAX_BODY)
        if body and call.kind is not CallKind.CREATE:
            raise RefusedError(f"{call.kind} takes no body")
        answer = await self._handlers[call.kind](call, body)
        if call.changes:
            log.info("call.made", call=call.kind, container=call.container, status=answer.status)
        return answer

    async def _ping(self, _: Call, __: bytes) -> EngineAnswer:
        return await self._engine.call("GET", "/_ping")

    async def _list(self, _: Call, __: bytes) -> EngineAnswer:
        return EngineAnswer(200, _JSON, orjson.dumps(await self._project.replicas()))

    async def _inspect(self, call: Call, _: bytes) -> EngineAnswer:
        return EngineAnswer(200, _JSON, orjson.dumps(await self._project.replica(call.container)))

    async def _create(self, call: Call, raw: bytes) -> EngineAnswer:
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as exc:
            raise RefusedError(f"the body is not JSON: {exc}") from None
        template = await self._project.template(service_of(body))
        identity = check_create(body, call.query.get("name"), template.inspection, template.images)
        managed = [e for e in await self._project.replicas() if is_managed(e["Labels"])]
        if len(managed) >= MOST_MANAGED:
            raise RefusedError(f"there are {len(managed)} replicas already")
        # Not the caller's bytes: what was compared with, made anew.
        wanted = orjson.dumps(clone_body(template.inspection, body["Image"], identity))
        query = urlencode({"name": clone_name(template.inspection, identity.number)})
        target = f"/v{API_VERSION}/containers/create?{query}"
        return await self._engine.call("POST", target, wanted)

    async def _act(self, call: Call, _: bytes) -> EngineAnswer:
        await self._project.replica(call.container)
        seconds = float(call.query.get("t", 0)) if call.kind is CallKind.STOP else 0.0
        query = f"?{urlencode(call.query)}" if call.query else ""
        target = f"/v{API_VERSION}/containers/{call.container}/{_VERBS[call.kind]}{query}"
        return await self._engine.call("POST", target, timeout_s=30.0 + seconds)

    async def _remove(self, call: Call, _: bytes) -> EngineAnswer:
        found = await self._project.replica(call.container)
        if not is_managed(found["Config"]["Labels"]):
            raise RefusedError("only replicas that an autoscaler made are removed")
        force = call.query.get("force", "0").lower() in ("1", "true")
        target = f"/v{API_VERSION}/containers/{call.container}?force={int(force)}"
        return await self._engine.call("DELETE", target)


def _check_headers(headers: RawHeaders, *, has_body: bool) -> None:
    names = [name for name, _ in headers]
    for name in (b"upgrade", b"transfer-encoding", b"expect", b"content-encoding"):
        if name in names:
            raise RefusedError(f"the header {name.decode()} is not taken")
    for name in (b"content-length", b"content-type", b"host"):
        if names.count(name) > 1:
            raise RefusedError(f"the header {name.decode()} stands twice")
    kind = dict(headers).get(b"content-type", b"").partition(b";")[0].strip().lower()
    if has_body and kind != _JSON.encode():
        raise RefusedError("the body must be application/json")


def _message(status: int, text: str) -> EngineAnswer:
    """In the shape of the engine's own errors."""
    return EngineAnswer(status, _JSON, orjson.dumps({"message": text}))


async def _send(send: Send, answer: EngineAnswer) -> None:
    headers = [(b"content-length", str(len(answer.body)).encode())]
    if answer.status == 204:
        headers = []
    if answer.content_type:
        headers.append((b"content-type", answer.content_type.encode("latin-1")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
