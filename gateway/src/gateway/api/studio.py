"""/studio: a page to speak and to listen with, by the audio routes alone."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse

from fleetserve.dashboard.pages import Assets

STATIC = Path(__file__).parents[1] / "static"
studio_router = APIRouter(include_in_schema=False)


@studio_router.get("/studio")
async def page() -> FileResponse:
    return FileResponse(STATIC / "studio.html", media_type="text/html")


def mount_studio(app: FastAPI) -> None:
    app.mount("/studio-assets", Assets(directory=STATIC), name="studio-assets")
