"""/dashboard: the fleet's page and each service's, all from this address."""

from typing import Any

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from fleetserve.dashboard.pages import STATIC, process_view, render
from fleetserve.errors import NotFoundError, UnavailableError
from gateway.fleet_view import FleetView
from gateway.replica_table import ReplicaTable
from gateway.service_calls import ServiceCalls

TIMEOUT_S = 2.0
dashboards_router = APIRouter(tags=["server"])


@dashboards_router.get("/dashboard", summary="The fleet's live dashboard")
@dashboards_router.get("/dashboard/{service}", summary="A service's live dashboard")
async def page() -> FileResponse:
    return FileResponse(STATIC / "page.html", media_type="text/html")


@dashboards_router.get("/dashboard-data", include_in_schema=False)
async def fleet_data(request: Request) -> dict[str, Any]:
    view: FleetView = request.app.state.fleet_view
    return render(await view.build())


@dashboards_router.get("/dashboard-data/{service}", include_in_schema=False)
async def service_data(request: Request, service: str, replica: str = "") -> dict[str, Any]:
    """What one process of the service says; ``replica`` picks which."""
    table: ReplicaTable = request.app.state.table
    calls: ServiceCalls = request.app.state.calls
    view: FleetView = request.app.state.fleet_view
    links = [{"label": link.label, "path": link.path} for link in view.links()]
    if service == "gateway":
        return {**render(await process_view(request.app.state.runtime)), "links": links}
    found = [r for r in table.all(service) if r.address and replica in ("", r.id)]
    if not found:
        wanted = f"{service} named {replica}" if replica else service
        raise NotFoundError(f"No process of {wanted} is known; GET /info lists them.")
    status, content = await calls.get(found[0], "/dashboard-data", TIMEOUT_S)
    if status != 200:
        raise UnavailableError(f"{found[0].id} answered {status}")
    answer: dict[str, Any] = orjson.loads(content)
    others = [
        {"label": r.id, "path": f"/dashboard/{service}?replica={r.id}"}
        for r in table.all(service)
        if len(table.all(service)) > 1
    ]
    return {**answer, "links": links + others}
