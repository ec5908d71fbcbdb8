"""The app factory: health, readiness, metrics, errors and life cycle, the same everywhere."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from fleetserve import __version__
from fleetserve.asgi import App
from fleetserve.control_plane import ControlPlane
from fleetserve.dashboard.pages import dashboard_router, mount_dashboard_assets
from fleetserve.error_shapes import render_for
from fleetserve.errors import (
    BadRequestError,
    FleetError,
    InvalidFieldError,
    MethodNotAllowedError,
    NotFoundError,
)
from fleetserve.health import Check, run_checks
from fleetserve.lifetime import lifetime
from fleetserve.runtime import ServiceRuntime

log = structlog.get_logger(__name__)


def create_app(
    runtime: ServiceRuntime,
    *,
    title: str,
    routers: Sequence[APIRouter] = (),
    checks: Mapping[str, Check] | None = None,
    own_routes: bool = False,
) -> FastAPI:
    """A control app with everything that is the same in each service.

    Redis is checked in /health of itself; ``checks`` adds the service's own. With
    ``own_routes`` the service answers /health, /metrics, /dashboard and
    /openapi.json by its own routers.
    """
    app = FastAPI(
        title=title,
        version=__version__,
        lifespan=_lifespan,
        openapi_url=None if own_routes else "/openapi.json",
        docs_url=None,
        redoc_url=None,
        # A slash too many makes another path; a 307 without a body helps nobody.
        redirect_slashes=False,
    )
    app.state.runtime = runtime
    app.state.checks = {"redis": _redis_check(runtime), **(checks or {})}
    app.include_router(probe_router)
    mount_dashboard_assets(app)
    if not own_routes:
        app.include_router(service_router)
        app.include_router(dashboard_router)
    for router in routers:
        app.include_router(router)
    app.add_exception_handler(Exception, _on_error)
    app.add_exception_handler(FleetError, _on_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    return app


def wrap_control(app: FastAPI, *, require_token: bool = True) -> App:
    """The app as it is served: with request ids, service tokens, times and request lines."""
    return ControlPlane(app, app.state.runtime, require_token=require_token)


def runtime_of(request: Request) -> ServiceRuntime:
    """The runtime of the app that serves this request; a FastAPI dependency."""
    runtime: ServiceRuntime = request.app.state.runtime
    return runtime


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with lifetime(app.state.runtime):
        yield


def _redis_check(runtime: ServiceRuntime) -> Check:
    async def check() -> str:
        await runtime.redis.ping()
        return "answers"

    return check


probe_router = APIRouter(include_in_schema=False)
service_router = APIRouter(include_in_schema=False)


@probe_router.get("/health/live")
async def live(request: Request) -> JSONResponse:
    reasons = runtime_of(request).not_live_reasons()
    content: dict[str, Any] = {"success": not reasons, "live": not reasons, "reasons": reasons}
    return JSONResponse(content, status_code=503 if reasons else 200)


@probe_router.get("/health/ready")
async def ready(request: Request) -> JSONResponse:
    runtime = runtime_of(request)
    reasons = runtime.not_ready_reasons() + runtime.not_live_reasons()
    if runtime.draining:
        reasons.append("draining")
    content: dict[str, Any] = {"success": not reasons, "ready": not reasons, "reasons": reasons}
    return JSONResponse(content, status_code=503 if reasons else 200)


@service_router.get("/health")
async def health(request: Request) -> JSONResponse:
    runtime = runtime_of(request)
    results = await run_checks(request.app.state.checks, runtime.clock)
    reasons = runtime.not_ready_reasons() + runtime.not_live_reasons()
    failed = [name for name, result in results.items() if not result.healthy]
    status = "down" if reasons else "degraded" if failed else "ok"
    content = {
        "success": not reasons,
        "healthy": not reasons,
        "status": status,
        "service": runtime.settings.service,
        "replica_id": runtime.settings.replica_id,
        "state": runtime.state,
        "version": __version__,
        "uptime_s": round(runtime.clock.now_s() - runtime.started_at, 1),
        "reasons": reasons,
        "checks": {
            name: {"healthy": r.healthy, "latency_ms": r.latency_ms, "detail": r.detail}
            for name, r in results.items()
        },
    }
    return JSONResponse(content, status_code=503 if reasons else 200)


@service_router.get("/metrics")
async def metrics(request: Request) -> Response:
    return Response(generate_latest(runtime_of(request).registry), media_type=CONTENT_TYPE_LATEST)


async def _on_error(request: Request, exc: Exception) -> Response:
    if not isinstance(exc, FleetError):
        log.error("request.failed", request_id=_id_of(request), exc_info=exc)
    status, headers, body = render_for(request.url.path, exc, _id_of(request))
    return Response(body, status_code=status, headers=headers)


async def _on_http_error(request: Request, exc: Exception) -> Response:
    status = getattr(exc, "status_code", 500)
    if status == 404:
        error: FleetError = NotFoundError(
            f"There is no {request.method} {request.url.path}. GET /docs lists every route."
        )
    elif status == 405:
        error = MethodNotAllowedError(
            f"{request.url.path} does not take {request.method}. GET /docs lists every route."
        )
        error.headers.update(getattr(exc, "headers", None) or {})
    else:
        error = BadRequestError(str(getattr(exc, "detail", exc)))
    return await _on_error(request, error)


async def _on_invalid(request: Request, exc: Exception) -> Response:
    errors = exc.errors() if isinstance(exc, RequestValidationError) else []
    first = errors[0] if errors else {"loc": ("body",), "msg": str(exc), "type": ""}
    if first["type"] == "json_invalid":
        return await _on_error(request, BadRequestError(f"The body is not JSON: {first['msg']}"))
    return await _on_error(request, InvalidFieldError(*describe_invalid(first)))


def describe_invalid(error: Mapping[str, Any]) -> tuple[str, str]:
    """The field's path and what is wrong, from one pydantic error."""
    loc = [str(part) for part in error["loc"]]
    path = loc[1:] if loc and loc[0] in {"body", "query", "path", "header"} else loc
    return ".".join(path) or "body", str(error["msg"])


def _id_of(request: Request) -> str:
    return str(request.scope.get("fleet.request_id", ""))
