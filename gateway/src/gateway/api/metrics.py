"""/metrics: Prometheus' page of the whole fleet."""

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from gateway.fleet_metrics import FleetMetrics

metrics_router = APIRouter(tags=["server"])


@metrics_router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
    summary="Prometheus metrics of the whole fleet",
)
async def metrics(request: Request) -> Response:
    fleet: FleetMetrics = request.app.state.metrics
    return Response(await fleet.page(), media_type=CONTENT_TYPE_LATEST)
