"""/models/download: fetch, follow, look at, delete."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Path, Query
from fastapi.responses import StreamingResponse

from fleetserve.errors import UnsupportedMediaError
from model_registry_svc.api.download_answers import delete_answer, download_answer, info_answer
from model_registry_svc.api.download_schemas import (
    DOWNLOAD_EXAMPLE,
    DeleteAnswer,
    DownloadAnswer,
    DownloadBody,
    DownloadStatusAnswer,
    ModelInfoAnswer,
)
from model_registry_svc.api.error_schemas import errors
from model_registry_svc.download_view import DownloadView
from model_registry_svc.downloads import StartedStatus
from model_registry_svc.services import Services


async def _json_only(content_type: Annotated[str, Header(include_in_schema=False)] = "") -> None:
    """What a web page can send without asking first (a form, plain text) is not taken."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaError("The body must be JSON: send Content-Type: application/json.")


router = APIRouter(prefix="/models/download", tags=["models"])

# The gateway gives up after 330 s.
LONGEST_WAIT_S = 300.0
DELETE_WAIT_S = 20.0

DownloadId = Annotated[str, Path(description="As POST /models/download gave it.", max_length=256)]
ModelName = Annotated[str, Path(description="The model's name.", max_length=128)]


@router.post(
    "",
    status_code=202,
    summary="Fetch a model",
    responses=errors(403, 404, 409, 415, 422, 502, 503, 507),
    dependencies=[Depends(_json_only)],
)
async def start_download(
    body: Annotated[
        DownloadBody,
        Body(openapi_examples={"from the hub": {"value": DOWNLOAD_EXAMPLE}}),
    ],
    services: Services,
) -> DownloadAnswer:
    """Fetches a model into the models volume; asking twice fetches once.

    The repository, its revision, access and room are checked before the answer; then the
    worker fetches, and requests for the model are held meanwhile.
    """
    started = await asyncio.to_thread(services.downloads.start, body.order())
    services.counts.count(hit=started.status is StartedStatus.ALREADY_EXISTS)
    if body.load:
        services.loader.load_when_done(started.download_id)
    view = None
    if body.wait and started.status is StartedStatus.DOWNLOADING:
        view = await services.tracker.wait(started.download_id, LONGEST_WAIT_S)
    rate = await asyncio.to_thread(services.presence.last_rate)
    return download_answer(started, view, rate)


@router.get("/status/{download_id}", summary="How far a download is", responses=errors(404, 503))
async def download_status(download_id: DownloadId, services: Services) -> DownloadStatusAnswer:
    """The download now; ids are kept for 7 days after the end."""
    view = await asyncio.to_thread(services.tracker.view, download_id)
    return DownloadStatusAnswer.model_validate(view)


@router.get(
    "/status/{download_id}/events",
    summary="Follow a download",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}, **errors(404, 503)},
)
async def download_events(download_id: DownloadId, services: Services) -> StreamingResponse:
    """Server-sent events: ``progress`` with each change, then the end's status by its name.

    The data of each is what GET /models/download/status/{id} answers at that moment.
    """
    # Looked at before the answer begins, so that an unknown id is a 404.
    await asyncio.to_thread(services.tracker.view, download_id)
    return StreamingResponse(
        _events(services.tracker.follow(download_id)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@router.get("/{name}/info", summary="What is on the disk of a model", responses=errors(404))
async def model_info(name: ModelName, services: Services) -> ModelInfoAnswer:
    """Files with sizes and digests, the revision, where it is loaded."""
    return await asyncio.to_thread(info_answer, services, name)


@router.delete("/{name}", summary="Delete a model", responses=errors(404, 409, 503))
async def delete_model(
    name: ModelName,
    services: Services,
    force: Annotated[bool, Query(description="Also while replicas hold it.")] = False,
) -> DeleteAnswer:
    """Frees the disk; a download of it that is under way is stopped first."""
    deletion = await asyncio.to_thread(services.downloads.delete, name, force=force)
    job = await services.tracker.wait_for_job(deletion.job.id, DELETE_WAIT_S)
    return delete_answer(deletion, job)


async def _events(views: AsyncIterator[DownloadView]) -> AsyncIterator[str]:
    number = 0
    async for view in views:
        number += 1
        event = view.status.value if view.status.finished else "progress"
        data = DownloadStatusAnswer.model_validate(view).model_dump_json()
        yield f"id: {number}\nevent: {event}\ndata: {data}\n\n"
