"""/jobs: what became of requests that are answered later, and batches of inputs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from fleetserve.app import runtime_of
from fleetserve.jobs.ledger.base import Job, JobState
from gateway.api.batch_body import BATCH_BODY
from gateway.api.job_answers import JobAccepted, JobAnswer, JobsAnswer
from gateway.entrance import PRINCIPAL
from gateway.jobs.acceptance import accepted_body, job_path
from gateway.jobs.batches import BatchDoor
from gateway.jobs.desk import JobDesk, JobResult, Viewer
from gateway.jobs.events import follow
from gateway.jobs.gauge import JobGauge
from gateway.jobs.view import view_of
from gateway.jobs.work import JSON

INLINE_BELOW = 16 * 1024 * 1024
SHOWN_ALIKE = ("application/json", "application/x-ndjson", "text/plain", "text/event-stream")

jobs_router = APIRouter(prefix="/jobs", tags=["jobs"])


async def _desk_of(request: Request) -> JobDesk:
    desk: JobDesk = request.app.state.jobs
    return desk


async def _viewer_of(request: Request) -> Viewer:
    return Viewer.of(request.scope.get(PRINCIPAL))


Desk = Annotated[JobDesk, Depends(_desk_of)]
Who = Annotated[Viewer, Depends(_viewer_of)]
JobId = Annotated[str, Path(description="As the 202 gave it.", max_length=128)]


@jobs_router.get("", response_model=JobsAnswer, summary="Your jobs, the newest first")
async def list_jobs(
    request: Request,
    desk: Desk,
    viewer: Who,
    status: Annotated[JobState | None, Query(description="Those in this state only.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[int | None, Query(description="`next_before` of the page before.")] = None,
) -> dict[str, Any]:
    """With auth on, the caller's own; an admin sees everybody's."""
    gauge: JobGauge = request.app.state.job_gauge
    page = await asyncio.to_thread(desk.page, viewer, limit, state=status, before=before)
    depth = await gauge.depth()
    return {
        "success": True,
        "jobs": [view_of(job) for job in page.jobs],
        "next_before": page.next_before,
        "queued": depth.queued if depth else 0,
        "running": depth.running if depth else 0,
    }


@jobs_router.post(
    "/batch",
    status_code=202,
    response_model=JobAccepted,
    summary="Many inputs for one model, a line each",
    openapi_extra=BATCH_BODY,
)
async def start_batch(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(description="A repeat with the same key gives the same job.")
    ] = None,
) -> Response:
    """Each line is an input as JSON, or `{"inputs": …, "parameters": {…}}`; blank ones are skipped.

    The result is JSON lines in the same order, `{"index", "result"}`; a line that fails has
    `{"index", "error"}` in its place. `model_name`, `parameters`, `priority` and `webhook_url`
    stand in the query or in the form.
    """
    del idempotency_key  # It is read with the other headers; this documents it.
    door: BatchDoor = request.app.state.batches
    accepted = await door.take(request.scope, request.receive)
    headers = {"Location": job_path(accepted)}
    return JSONResponse(accepted_body(accepted), status_code=202, headers=headers)


@jobs_router.get("/{job_id}", response_model=JobAnswer, summary="How a job is, and its result")
async def read_job(job_id: JobId, desk: Desk, viewer: Who) -> Response:
    job = await asyncio.to_thread(desk.read, viewer, job_id)
    content = await asyncio.to_thread(_whole_view, desk, viewer, job)
    return Response(content, media_type=JSON)


@jobs_router.get(
    "/{job_id}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def job_events(
    request: Request,
    job_id: JobId,
    desk: Desk,
    viewer: Who,
    last_event_id: Annotated[str, Header(description="Of the last one that came.")] = "",
) -> StreamingResponse:
    """Server-sent events: `progress` with each change, then the end's status by its name.

    The data of each is what GET /jobs/{job_id} answers, without the result. With Last-Event-ID
    what was seen already is not sent again.
    """
    await asyncio.to_thread(desk.read, viewer, job_id)
    runtime = runtime_of(request)
    jobs = follow(desk, viewer, job_id, last_event_id, runtime.clock, lambda: runtime.draining)
    return StreamingResponse(
        _texts(jobs),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@jobs_router.get(
    "/{job_id}/result",
    summary="A job's result as a file",
    response_class=FileResponse,
    responses={200: {"content": {kind: {} for kind in (*SHOWN_ALIKE, "audio/*")}}},
)
async def job_result(job_id: JobId, desk: Desk, viewer: Who) -> FileResponse:
    """In the content type that the route answered with, such as audio/wav."""
    found = await asyncio.to_thread(desk.result, viewer, job_id)
    return FileResponse(found.path, media_type=found.outcome.content_type)


@jobs_router.delete("/{job_id}", response_model=JobAnswer, summary="Cancel a job")
async def cancel_job(job_id: JobId, desk: Desk, viewer: Who) -> Response:
    """What is at work stops within a second or so; a finished job stays as it is."""
    job = await asyncio.to_thread(desk.cancel, viewer, job_id)
    content = await asyncio.to_thread(_whole_view, desk, viewer, job)
    return Response(content, media_type=JSON)


def _whole_view(desk: JobDesk, viewer: Viewer, job: Job) -> bytes:
    """The view with the result in it, as the replica wrote it; blocking."""
    view = view_of(job)
    result: Any = None
    if view["result_bytes"] is not None and view["result_bytes"] <= INLINE_BELOW:
        result = _inline(desk, viewer, job)
    return orjson.dumps({**view, "result": result})


def _inline(desk: JobDesk, viewer: Viewer, job: Job) -> orjson.Fragment | None:
    found: JobResult = desk.result(viewer, job.id)
    if found.outcome.content_type.partition(";")[0] != JSON:
        return None
    return orjson.Fragment(found.path.read_bytes())


async def _texts(events: AsyncIterator[tuple[str, str, dict[str, Any]]]) -> AsyncIterator[bytes]:
    async for number, name, data in events:
        yield f"id: {number}\nevent: {name}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"
