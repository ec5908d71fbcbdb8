"""/docs, /redoc and /openapi.json, with every asset from this host."""

import functools
from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles

from fleetserve.auth.security_headers import script_hashes
from gateway.openapi import FleetOpenapi

ASSETS = Path(fastapi_offline.__file__).parent / "static"
docs_router = APIRouter(include_in_schema=False)


# ReDoc would ask its maker's CDN for a logo.
_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_OWN_LOGO = b"/dashboard-assets/icon.svg"


def mount_assets(app: FastAPI) -> None:
    app.mount("/docs-assets", StaticFiles(directory=ASSETS), name="docs-assets")


@docs_router.get("/openapi.json")
async def openapi(request: Request) -> dict[str, Any]:
    document: FleetOpenapi = request.app.state.openapi
    return await document.build()


def inline_script_hashes() -> list[str]:
    """What the CSP has to allow: Swagger UI's page starts it by an inline script."""
    return script_hashes(*(bytes(page().body).decode() for page in (_swagger_page, _redoc_page)))


@docs_router.get("/docs-assets/redoc.js")
async def redoc_script() -> Response:
    """ReDoc as its package has it, but for the logo."""
    return Response(
        _redoc(), media_type="text/javascript", headers={"Cache-Control": "max-age=86400"}
    )


@functools.cache
def _redoc() -> bytes:
    return (ASSETS / "redoc.standalone.js").read_bytes().replace(_LOGO, _OWN_LOGO)


@docs_router.get("/docs")
async def swagger() -> HTMLResponse:
    return _swagger_page()


@docs_router.get("/redoc")
async def redoc() -> HTMLResponse:
    return _redoc_page()


def _swagger_page() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Fleetserve",
        swagger_js_url="/docs-assets/swagger-ui-bundle.js",
        swagger_css_url="/docs-assets/swagger-ui.css",
        swagger_favicon_url="/docs-assets/favicon.png",
    )


def _redoc_page() -> HTMLResponse:
    return get_redoc_html(
        openapi_url="/openapi.json",
        title="Fleetserve",
        redoc_js_url="/docs-assets/redoc.js",
        redoc_favicon_url="/docs-assets/favicon.png",
        with_google_fonts=False,
    )
