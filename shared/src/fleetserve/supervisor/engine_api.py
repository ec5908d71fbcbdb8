"""The engine over HTTP. No other way in than its Unix socket, which only this user can open."""

import asyncio

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fleetserve.errors import (
    FleetError,
    InvalidFieldError,
    MethodNotAllowedError,
    NotFoundError,
    render_error,
)
from fleetserve.request_ids import new_request_id
from fleetserve.supervisor.engine import Engine
from fleetserve.supervisor.process import ManagedProcess
from fleetserve.supervisor.specs import ProcessList, ProcessSpec

LOG_LINES = 100
JSON = "application/json"

_decode_spec = msgspec.json.Decoder(ProcessSpec).decode


def engine_app(engine: Engine) -> Starlette:
    """The ASGI application of the socket."""
    routes = [
        Route("/processes", list_processes),
        Route("/processes", create_process, methods=["POST"]),
        Route("/processes/{id}", inspect_process),
        Route("/processes/{id}", remove_process, methods=["DELETE"]),
        Route("/processes/{id}/stop", stop_process, methods=["POST"]),
        Route("/processes/{id}/logs", process_logs),
    ]
    handlers = {FleetError: render, HTTPException: render_http}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.state.engine = engine
    return app


async def list_processes(request: Request) -> Response:
    labels: dict[str, str | None] = {}
    for item in request.query_params.getlist("label"):
        name, separator, value = item.partition("=")
        labels[name] = value if separator else None
    processes = _engine(request).list(labels=labels)
    return _json(ProcessList([process.view() for process in processes]))


async def create_process(request: Request) -> Response:
    try:
        spec = _decode_spec(await request.body())
    except msgspec.DecodeError as exc:
        raise InvalidFieldError("body", str(exc)) from None
    return _view(_engine(request).create(spec), status=201)


async def inspect_process(request: Request) -> Response:
    return _view(_engine(request).find(request.path_params["id"]))


async def stop_process(request: Request) -> Response:
    grace_s = _number(request, "grace_s")
    stop = _engine(request).stop(request.path_params["id"], grace_s)
    # A caller that hangs up must not leave a process half stopped.
    return _view(await asyncio.shield(stop))


async def remove_process(request: Request) -> Response:
    force = request.query_params.get("force", "false").lower() in ("true", "1")
    await asyncio.shield(_engine(request).remove(request.path_params["id"], force=force))
    return Response(status_code=204)


async def process_logs(request: Request) -> Response:
    lines = _number(request, "tail")
    process = _engine(request).find(request.path_params["id"])
    tail = process.output.tail(LOG_LINES if lines is None else int(lines))
    return PlainTextResponse("".join(f"{line}\n" for line in tail))


async def render(_: Request, exc: Exception) -> Response:
    status, headers, body = render_error(exc, new_request_id())
    return Response(body, status_code=status, headers=headers)


async def render_http(request: Request, exc: Exception) -> Response:
    what = f"{request.method} {request.url.path}"
    if isinstance(exc, HTTPException) and exc.status_code == 405:
        return await render(request, MethodNotAllowedError(f"The engine has no {what}."))
    return await render(request, NotFoundError(f"The engine has no {what}."))


def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


def _number(request: Request, name: str) -> float | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise InvalidFieldError(name, f"{value!r} is not a number of 0 or more")
    return number


def _view(process: ManagedProcess, status: int = 200) -> Response:
    return _json(process.view(), status)


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type=JSON)
