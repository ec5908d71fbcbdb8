"""POST /models/manage: load, unload, keep and renew a model."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from pydantic import ValidationError

from fleetserve.app import describe_invalid
from fleetserve.errors import InvalidFieldError
from model_registry_svc.api.error_schemas import errors
from model_registry_svc.api.manage_schemas import MANAGE_EXAMPLES, ManageAnswer, ManageBody
from model_registry_svc.managing import ManageAction, Managed
from model_registry_svc.overview import megabytes
from model_registry_svc.services import RegistryServices, Services

router = APIRouter(prefix="/models", tags=["models"])


@router.post(
    "/manage",
    summary="Load, unload, keep or renew a model",
    responses={
        202: {"model": ManageAnswer, "description": "It has begun, and goes on."},
        **errors(404, 409, 422, 502, 503, 507),
        504: {"description": "With wait=true: it is not so yet, and goes on."},
    },
)
async def manage(
    services: Services,
    response: Response,
    body: Annotated[ManageBody | None, Body(openapi_examples=MANAGE_EXAMPLES)] = None,
    action: Annotated[ManageAction | None, Query(description="What to do with it.")] = None,
    model_name: Annotated[str | None, Query(min_length=1, max_length=128)] = None,
    keep_alive: Annotated[
        float | None, Query(description="Seconds unused after which it leaves; -1: never.")
    ] = None,
    revision: Annotated[str | None, Query(min_length=1, max_length=256)] = None,
    *,
    wait: bool = False,
) -> ManageAnswer:
    """By JSON or by the query; where both name a field, the body counts.

    `load` has a replica load it, `unload` takes it from all of them once what is in flight is
    done. `pin` loads it and keeps it whatever else wants its room; `keep_alive` says how long it
    may be unused. `update` fetches the newest revision, loads it beside the one that serves and
    switches over only if that went well; `rollback` goes back to the one before.
    `retry_download` takes up a download that failed. `optimize` is POST /server/optimize.
    """
    asked = _merged(
        body,
        action=action,
        model_name=model_name,
        keep_alive=keep_alive,
        revision=revision,
        wait=wait or None,
    )
    done = await services.manager.manage(asked.order())
    if not done.done:
        response.status_code = 202
        if done.download_id is not None:
            response.headers["location"] = f"/models/download/status/{done.download_id}"
    return await asyncio.to_thread(_answer, services, asked.action, done)


def _merged(body: ManageBody | None, **query: object) -> ManageBody:
    values = {name: value for name, value in query.items() if value is not None}
    if body is not None:
        values |= body.model_dump(exclude_unset=True)
    try:
        return ManageBody.model_validate(values)
    except ValidationError as exc:
        raise InvalidFieldError(*describe_invalid(exc.errors()[0])) from None


def _answer(services: RegistryServices, action: ManageAction | None, done: Managed) -> ManageAnswer:
    policy = services.policies.find(done.name)
    manifest = services.library.find(done.name)
    return ManageAnswer(
        action=action,
        model_name=done.name,
        status=done.status,
        message=done.message,
        replicas=list(done.replicas),
        pinned=policy.pinned,
        keep_alive=policy.keep_alive_s,
        revision=manifest.revision if manifest else None,
        previous_revision=(manifest.previous_revision or None) if manifest else None,
        download_id=done.download_id,
        memory_freed_mb=megabytes(done.freed_bytes) if done.freed_bytes is not None else None,
    )
