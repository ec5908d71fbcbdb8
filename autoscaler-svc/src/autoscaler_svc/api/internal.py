"""The fleet's own routes on the autoscaler."""

from fastapi import APIRouter

from autoscaler_svc.api.autoscaler import Services

internal_router = APIRouter(prefix="/internal", include_in_schema=False)


@internal_router.delete("/floors/{model}")
async def forget_floor(model: str, services: Services) -> dict[str, bool]:
    """No number of instances of it is wanted any more, when this is answered."""
    await services.manual.forget(model)
    return {"success": True}
