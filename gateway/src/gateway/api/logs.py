"""/logs: which files there are, their lines, emptying one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from fleetserve.app import runtime_of
from fleetserve.audit_log import AuditLog
from gateway.api.answers import LogCleared, LogsAnswer
from gateway.entrance import principal_name
from gateway.log_folder import LineFilter, LogFolder

FOLLOW_PERIOD_S = 0.5
logs_router = APIRouter(prefix="/logs", tags=["logs"])


@logs_router.get("", response_model=LogsAnswer, summary="The log files")
async def list_files(request: Request) -> dict[str, Any]:
    folder: LogFolder = request.app.state.logs
    files = await asyncio.to_thread(folder.files)
    return {
        "success": True,
        "log_directory": str(folder.folder),
        "log_level": runtime_of(request).settings.config.logging.level,
        "available_log_files": files,
        "total_log_size_mb": round(sum(f.size_bytes for f in files) / 1048576, 3),
    }


@logs_router.get(
    "/{log_file}",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Lines, oldest first."}},
    summary="Lines of a log file",
)
async def read_file(
    request: Request,
    log_file: str,
    lines: Annotated[int, Query(ge=1, le=100_000, description="At most so many.")] = 100,
    from_end: Annotated[bool, Query(description="The newest ones.")] = True,
    level: Annotated[
        Literal["", "debug", "info", "warning", "error"], Query(description="The lowest level.")
    ] = "",
    request_id: Annotated[str, Query(description="Lines of one request only.")] = "",
    follow: Annotated[bool, Query(description="Go on with new lines as they come.")] = False,
    download: Annotated[bool, Query(description="As an attachment.")] = False,
) -> Response:
    folder: LogFolder = request.app.state.logs
    wanted = LineFilter(level, request_id)
    info = await asyncio.to_thread(folder.info, log_file)
    found = await asyncio.to_thread(folder.lines, log_file, lines, wanted, from_end=from_end)
    headers = {"X-Total-Lines": str(info.line_count), "X-File-Size": str(info.size_bytes)}
    if download:
        headers["Content-Disposition"] = f'attachment; filename="{log_file}"'
    text = b"".join(line + b"\n" for line in found)
    if not follow:
        return Response(text, media_type="text/plain", headers=headers)
    news = folder.follower(log_file, wanted)
    sleep = runtime_of(request).clock.sleep
    return StreamingResponse(_follow(text, news, sleep), media_type="text/plain", headers=headers)


async def _follow(
    first: bytes, news: Callable[[], list[bytes]], sleep: Callable[[float], Any]
) -> AsyncIterator[bytes]:
    """The lines so far, then what comes; the server ends it when the client leaves."""
    yield first
    while True:
        await sleep(FOLLOW_PERIOD_S)
        for line in await asyncio.to_thread(news):
            yield line + b"\n"


@logs_router.delete("/{log_file}", response_model=LogCleared, summary="Empty a log file")
async def clear_file(request: Request, log_file: str) -> dict[str, Any]:
    folder: LogFolder = request.app.state.logs
    audit: AuditLog = request.app.state.audit
    freed = await asyncio.to_thread(folder.truncate, log_file)
    audit.write(
        "log.cleared",
        principal=principal_name(request.scope),
        request_id=request.scope["fleet.request_id"],
        file=log_file,
        bytes=freed,
    )
    return {
        "success": True,
        "message": f"{log_file} is empty now; {freed} bytes were freed.",
        "freed_bytes": freed,
    }
