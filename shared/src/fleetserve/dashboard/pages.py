"""/dashboard of one process: the page, its data, its assets. No CDN, no inline script."""

from dataclasses import asdict
from inspect import isawaitable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

from fleetserve.dashboard import history
from fleetserve.dashboard.view import View
from fleetserve.runtime import ServiceRuntime

STATIC = Path(__file__).parent / "static"
dashboard_router = APIRouter(include_in_schema=False)


class Assets(StaticFiles):
    """Asked for anew each time (by ETag), so that an upgraded fleet shows no old page."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


def mount_dashboard_assets(app: FastAPI) -> None:
    app.mount("/dashboard-assets", Assets(directory=STATIC), name="dashboard-assets")


@dashboard_router.get("/dashboard")
async def page() -> FileResponse:
    return FileResponse(STATIC / "page.html", media_type="text/html")


@dashboard_router.get("/dashboard-data")
async def data(request: Request) -> dict[str, Any]:
    return render(await process_view(request.app.state.runtime))


def render(view: View) -> dict[str, Any]:
    return {"success": True, **asdict(view)}


async def process_view(runtime: ServiceRuntime) -> View:
    """What every process can show of itself, and the tables that its service adds."""
    rollups = list(runtime.history)
    uptime_s = runtime.clock.now_s() - runtime.started_at
    reasons = runtime.not_ready_reasons() + runtime.not_live_reasons()
    return View(
        title=runtime.settings.service,
        state=str(runtime.state),
        subtitle=f"{runtime.settings.replica_id} at {runtime.address}, up {_duration(uptime_s)}",
        tiles=[
            *history.tiles(rollups, models=runtime.serves_models),
            *(made() for made in runtime.tiles),
        ],
        charts=history.charts(rollups, models=runtime.serves_models),
        tables=[await made if isawaitable(made := make()) else made for make in runtime.tables],
        note="; ".join(reasons),
    )


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
