"""/models: what there is, what can be had, what is loaded, what lies on the disk."""

import asyncio

from fastapi import APIRouter

from model_registry_svc.api.error_schemas import errors
from model_registry_svc.api.model_answers import (
    available_answer,
    cache_answer,
    managed_answer,
    models_answer,
)
from model_registry_svc.api.model_schemas import (
    AvailableAnswer,
    CacheAnswer,
    ManagedAnswer,
    ModelsAnswer,
)
from model_registry_svc.services import Services

router = APIRouter(prefix="/models", tags=["models"])


@router.get("", summary="Every model")
async def list_models(services: Services) -> ModelsAnswer:
    """Models on disk, on their way and built in, with the replicas that hold them."""
    return await asyncio.to_thread(models_answer, services)


@router.get("/available", summary="The catalogue")
async def list_available(services: Services) -> AvailableAnswer:
    """What models.json offers, ready to be posted to /models/download."""
    return await asyncio.to_thread(available_answer, services)


@router.get("/managed", summary="What replicas hold", responses=errors(503))
async def list_managed(services: Services) -> ManagedAnswer:
    """Every model on disk or on a replica, with its memory, device and last use."""
    return await asyncio.to_thread(managed_answer, services)


@router.get("/cache/info", summary="The models volume")
async def cache_info(services: Services) -> CacheAnswer:
    """Sizes and free room, measured now."""
    return await asyncio.to_thread(cache_answer, services)
