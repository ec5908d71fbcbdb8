"""GET and PUT /autoscaler/config."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from autoscaler_svc.api import examples
from autoscaler_svc.api.answers import AutoscalerConfigAnswer
from autoscaler_svc.api.autoscaler import Services
from autoscaler_svc.api.rendering import timestamp
from autoscaler_svc.api.requests import ConfigRequest
from autoscaler_svc.chronicle import Note
from autoscaler_svc.effective_config import merged
from autoscaler_svc.journal.base import EntryKind
from autoscaler_svc.services import AutoscalerServices
from fleetserve.app import runtime_of

config_router = APIRouter(prefix="/autoscaler/config", tags=["autoscaler"])


@config_router.get(
    "",
    summary="The settings that hold",
    response_model=AutoscalerConfigAnswer,
    responses={200: examples.CONFIG},
)
async def read_config(request: Request, services: Services) -> AutoscalerConfigAnswer:
    """Each key, and whether it is the default, the file's, or was set here."""
    overrides = await services.intents.overrides()
    return _answer(services, overrides, runtime_of(request).clock.now_s(), [])


@config_router.put(
    "",
    summary="Change settings",
    response_model=AutoscalerConfigAnswer,
    responses={
        200: examples.CONFIG,
        422: {"description": "A value that a key can't have; nothing was changed."},
    },
)
async def change_config(
    request: Request,
    services: Services,
    body: Annotated[ConfigRequest, Body()],  # type: ignore[valid-type]
) -> AutoscalerConfigAnswer:
    """Sets the keys that are there; they hold at once, over the file, and over restarts.

    null makes the file's value hold again. Either all keys are set or none.
    """
    wanted: dict[str, Any] = body.model_dump(exclude_unset=True)  # type: ignore[attr-defined]
    before = await services.intents.overrides()
    after = {k: v for k, v in (before | wanted).items() if v is not None}
    old, new = merged(services.base, before).model_dump(), merged(services.base, after).model_dump()
    changed = sorted(key for key in new if new[key] != old[key])
    await services.intents.put_overrides(wanted)
    if changed:
        said = ", ".join(f"{key} {old[key]} → {new[key]}" for key in changed)
        services.chronicle.tell(
            Note(EntryKind.CONFIG, "autoscaler-svc", "config", 0, 0, "changed", said, "manual")
        )
    services.scaler.nudge()
    return _answer(services, after, runtime_of(request).clock.now_s(), changed)


def _answer(
    services: AutoscalerServices, overrides: dict[str, Any], now_s: float, changed: list[str]
) -> AutoscalerConfigAnswer:
    config = merged(services.base, overrides).model_dump()
    sources = {
        key: "api" if key in overrides else services.sources.get(f"autoscaler.{key}", "default")
        for key in config
    }
    return AutoscalerConfigAnswer(
        timestamp=timestamp(now_s), config=config, sources=sources, changed=changed
    )
