"""/internal/tunings: the fleet's own routes to what makes its models faster."""

import asyncio

import msgspec
from fastapi import APIRouter, Request, Response

from fleetserve.errors import BadRequestError
from fleetserve.tunings import Tuning
from model_registry_svc.services import Services

router = APIRouter(prefix="/internal/tunings", include_in_schema=False)

_decode = msgspec.json.Decoder(Tuning).decode


@router.get("/{name}")
async def list_tunings(name: str, services: Services) -> Response:
    """Every tuning of a model, with what was measured."""
    tunings = await asyncio.to_thread(services.tunings.all, name)
    return _json({"success": True, "tunings": tunings})


@router.put("/{name}")
async def put_tuning(request: Request, name: str, services: Services) -> Response:
    """Keeps a decision; replicas follow it by themselves."""
    try:
        tuning = _decode(await request.body())
    except msgspec.DecodeError as exc:
        raise BadRequestError(f"This is not a tuning: {exc}") from None
    await asyncio.to_thread(services.tunings.put, name, tuning)
    return _json({"success": True})


@router.delete("/{name}")
async def clear_tunings(name: str, services: Services) -> Response:
    """Forgets them all: the model is float32 again everywhere."""
    removed = await asyncio.to_thread(services.tunings.clear, name)
    return _json({"success": True, "removed": removed})


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
