"""The fleet's own routes on a replica: what it is, and which models it shall hold."""

from typing import Any

from fastapi import APIRouter, Request, Response

from fleetserve.announcements import encode_announcement
from fleetserve.app import runtime_of
from fleetserve.errors import NotFoundError
from fleetserve.replica.exchange import JSON_CONTENT, json_bytes
from fleetserve.replica.models import HandleState
from fleetserve.replica.pins import Pins
from fleetserve.replica.pool import ModelPool

internal_router = APIRouter(prefix="/internal", include_in_schema=False)


@internal_router.get("/status")
async def status(request: Request) -> Response:
    """This replica's announcement, for gateways that probe while Redis is away."""
    raw = encode_announcement(runtime_of(request).announcement())
    return Response(raw, media_type=JSON_CONTENT)


@internal_router.put("/models/{instance}")
async def put_model(
    request: Request, instance: str, wait: bool = False, stage: bool = False
) -> Response:
    """Loads name@revision if it is not there. 200 when it serves, 202 while it loads.

    With ``stage`` it need not be published, and does not serve before it is.
    """
    name, revision = _split(instance)
    pool = _pool(request)
    if stage:
        there = pool.stage_soon(name, revision)
        return _state(name, revision, HandleState.READY if there else HandleState.LOADING)
    if wait:
        await pool.put(name, revision)
    else:
        pool.put_soon(name, revision)
    ready = pool.get_ready(name)
    done = ready is not None and ready.spec.revision == revision
    if done:
        await _announce(request)
    return _state(name, revision, HandleState.READY if done else HandleState.LOADING)


@internal_router.delete("/models/{instance}")
async def delete_model(request: Request, instance: str, idle_s: float | None = None) -> Response:
    """Takes name@revision from service. 200 when it is gone, 202 while requests hold it.

    With ``idle_s`` only if it is not pinned and unused for so long; else a 409.
    """
    name, revision = _split(instance)
    pool = _pool(request)
    state = await pool.remove(name, revision, idle_s=idle_s)
    if state is not None:
        await _announce(request)
    freed = pool.freed_bytes(name, revision)
    return _state(name, revision, state or HandleState.GONE, freed_bytes=freed)


@internal_router.get("/models/{instance}/leaving")
async def leaving(request: Request, instance: str) -> Response:
    """202 while requests hold name@revision that was taken from service; else 200.

    Another DELETE would take away what the next request has loaded since.
    """
    name, revision = _split(instance)
    pool = _pool(request)
    freed = pool.freed_bytes(name, revision)
    held = pool.is_leaving(name, revision)
    state = HandleState.RETIRED if held else HandleState.GONE
    return _state(name, revision, state, freed_bytes=freed)


@internal_router.post("/pins")
async def read_pins(request: Request) -> Response:
    """Reads anew which models are pinned, so that it holds when this is answered."""
    pins: Pins = request.app.state.pins
    body = {"success": True, "read": await pins.read()}
    return Response(json_bytes(body), media_type=JSON_CONTENT)


def _split(instance: str) -> tuple[str, str]:
    name, at, revision = instance.rpartition("@")
    if not at or not name or not revision:
        raise NotFoundError(f"{instance!r} is not name@revision.")
    return name, revision


async def _announce(request: Request) -> None:
    """Whoever asked for it, and then asks the fleet, finds it so."""
    await runtime_of(request).announcer().announce_now()


def _pool(request: Request) -> ModelPool[Any]:
    pool: ModelPool[Any] = request.app.state.pool
    return pool


def _state(name: str, revision: str, state: HandleState, **more: int) -> Response:
    done = state in (HandleState.READY, HandleState.GONE)
    body = {"success": True, "name": name, "revision": revision, "state": state.value, **more}
    return Response(json_bytes(body), status_code=200 if done else 202, media_type=JSON_CONTENT)
