"""/internal/usage: what the models of this replica were asked, for the gateway to add up."""

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from fleetserve.replica.exchange import JSON_CONTENT
from fleetserve.replica.models import HandleState
from fleetserve.replica.pool import ModelPool
from fleetserve.usage import ModelUsage
from inference_svc.batcher import ServedModel
from inference_svc.served import Served

usage_router = APIRouter(prefix="/internal/usage", include_in_schema=False)


@usage_router.get("")
async def usage(request: Request, model: str | None = None) -> Response:
    """Of every model that serves, or of one."""
    pool: ModelPool[Any] = request.app.state.pool
    return Response(msgspec.json.encode(usages(pool, model)), media_type=JSON_CONTENT)


def usages(pool: ModelPool[Served], name: str | None = None) -> list[ModelUsage]:
    """A model that is unloaded takes its counts with it."""
    found = []
    for handle in pool.handles():
        if handle.state is not HandleState.READY or name not in (None, handle.spec.name):
            continue
        served = handle.model
        if isinstance(served, ServedModel):
            device, counted = served.engine.info.device, served.batcher.usage
        else:
            device, counted = served.generator.info.device, served.usage
        memory = {device: handle.bytes}
        found.append(ModelUsage(handle.spec.name, handle.spec.revision, memory, counted))
    return found
