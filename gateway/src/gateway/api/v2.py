"""KServe V2's own questions: server, health, readiness, and the model repository extension."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from fleetserve import __version__
from fleetserve.errors import BadRequestError, InvalidFieldError
from gateway.api.v2_schemas import (
    INDEX_EXAMPLES,
    V2IndexEntry,
    V2IndexRequest,
    V2Live,
    V2ModelReady,
    V2Ready,
    V2Server,
)
from gateway.v2_fields import refuse_pages
from gateway.v2_models import IndexEntry, V2Models

EXTENSIONS = [
    "classification",
    "binary_tensor_data",
    "model_repository",
    "model_configuration",
    "statistics",
]
T = TypeVar("T")
v2_router = APIRouter(prefix="/v2", tags=["compatible"])
INDEX_BODY = {
    "requestBody": {
        "required": False,
        "content": {
            "application/json": {
                "schema": V2IndexRequest.model_json_schema(),
                "examples": INDEX_EXAMPLES,
            }
        },
    }
}


class _Wanted(msgspec.Struct):
    ready: bool = False


class _Load(msgspec.Struct):
    parameters: dict[str, Any] | None = None


_decode_wanted = msgspec.json.Decoder(_Wanted).decode
_decode_load = msgspec.json.Decoder(_Load).decode


@v2_router.get("", response_model=V2Server, summary="V2: what this server is and can")
async def server() -> dict[str, Any]:
    return {"name": "fleetserve", "version": __version__, "extensions": EXTENSIONS}


@v2_router.get("/health/live", response_model=V2Live, summary="V2: whether the server lives")
async def live() -> dict[str, Any]:
    return {"live": True}


@v2_router.get(
    "/health/ready",
    response_model=V2Ready,
    responses={503: {"model": V2Ready, "description": "Requests can't be served now."}},
    summary="V2: whether requests can be served",
)
async def ready(request: Request) -> JSONResponse:
    can = await _models(request).can_serve()
    return JSONResponse({"ready": can}, status_code=200 if can else 503)


@v2_router.get(
    "/models/{model}/ready",
    response_model=V2ModelReady,
    responses={503: {"model": V2ModelReady, "description": "The model can't be asked now."}},
    summary="V2: whether a model can be asked",
)
async def model_ready(request: Request, model: str) -> JSONResponse:
    """True also for a model that its first request loads."""
    return await _readiness(request, model, "")


@v2_router.get(
    "/models/{model}/versions/{version}/ready",
    response_model=V2ModelReady,
    responses={503: {"model": V2ModelReady, "description": "The model can't be asked now."}},
    summary="V2: whether this version of a model can be asked",
)
async def version_ready(request: Request, model: str, version: str) -> JSONResponse:
    return await _readiness(request, model, version)


@v2_router.post(
    "/repository/index",
    response_model=list[V2IndexEntry],
    openapi_extra=INDEX_BODY,
    summary="V2: every model, and whether it is loaded",
)
async def index(request: Request) -> list[dict[str, Any]]:
    refuse_pages(dict(request.scope["headers"]))
    only_ready = _wanted(await request.body()).ready
    found = _models(request).index()
    return [_entry(entry) for entry in found if entry.loaded or not only_ready]


@v2_router.post("/repository/models/{model}/load", response_model=None, summary="V2: load a model")
async def load(request: Request, model: str) -> JSONResponse:
    """Answers when a replica has it; a model that was not loaded is loaded by its first request."""
    refuse_pages(dict(request.scope["headers"]))
    _refuse_override(await request.body())
    await _models(request).load(model)
    return JSONResponse({})


@v2_router.post(
    "/repository/models/{model}/unload", response_model=None, summary="V2: unload a model"
)
async def unload(request: Request, model: str) -> JSONResponse:
    """Answers when no replica has it any more; its next request loads it again."""
    refuse_pages(dict(request.scope["headers"]))
    await _models(request).unload(model)
    return JSONResponse({})


def _models(request: Request) -> V2Models:
    models: V2Models = request.app.state.v2_models
    return models


async def _readiness(request: Request, model: str, version: str) -> JSONResponse:
    models = _models(request)
    name = models.find(model, version).name
    can = await models.is_ready(model, version)
    return JSONResponse({"name": name, "ready": can}, status_code=200 if can else 503)


def _wanted(content: bytes) -> _Wanted:
    return _read(content, _decode_wanted)


def _read(content: bytes, decode: Callable[[bytes], T]) -> T:
    try:
        return decode(content or b"{}")
    except msgspec.ValidationError as exc:
        raise InvalidFieldError("body", str(exc)) from None
    except msgspec.DecodeError as exc:
        raise BadRequestError(f"The body is not JSON: {exc}") from None


def _refuse_override(content: bytes) -> None:
    """Raises: InvalidFieldError: the model is to be another than the one that is here."""
    for name in _read(content, _decode_load).parameters or {}:
        raise InvalidFieldError(
            f"parameters.{name}",
            "is not offered: a model is loaded as it was downloaded; GET its config shows how",
        )


def _entry(entry: IndexEntry) -> dict[str, Any]:
    return {
        "name": entry.record.name,
        "version": entry.record.revision,
        "state": "READY" if entry.loaded else "UNAVAILABLE",
        "reason": entry.reason,
    }
