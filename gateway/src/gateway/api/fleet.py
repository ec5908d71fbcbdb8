"""/health, /info, /stats and the greeting at /."""

import importlib.metadata
import platform
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from fleetserve import __version__
from fleetserve.app import runtime_of
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE
from gateway.api.answers import Greeting, HealthAnswer, InfoAnswer, StatsAnswer
from gateway.fleet_health import FleetHealth, checks_as_json
from gateway.fleet_stats import FleetStats, FleetWindow, ModelWindow
from gateway.jobs.gauge import JobGauge
from gateway.replica_table import Replica, ReplicaTable

fleet_router = APIRouter(tags=["core"])


@fleet_router.get("/", response_model=Greeting, summary="What this is and where to go")
async def greet(request: Request) -> dict[str, Any]:
    base = str(request.base_url).rstrip("/")
    body = '{"model_name":"example","inputs":[1,2,3,4,5]}'
    return {
        "success": True,
        "name": "Fleetserve",
        "version": __version__,
        "links": {
            "docs": f"{base}/docs",
            "dashboard": f"{base}/dashboard",
            "redoc": f"{base}/redoc",
            "openapi": f"{base}/openapi.json",
            "health": f"{base}/health",
            "models": f"{base}/models",
            "info": f"{base}/info",
        },
        "quick_start": [
            f"curl {base}/predict -H 'Content-Type: application/json' -d '{body}'",
            f"curl {base}/models/available",
            f"curl {base}/health",
        ],
    }


@fleet_router.get(
    "/health",
    response_model=HealthAnswer,
    responses={503: {"model": HealthAnswer, "description": "The fleet can't serve."}},
    summary="Whether the fleet can serve, and what is wrong",
)
async def health(request: Request) -> JSONResponse:
    checker: FleetHealth = request.app.state.health
    stats: FleetStats = request.app.state.stats
    state = await checker.state()
    totals = stats.totals()
    content = {
        "success": state.can_serve,
        "healthy": state.can_serve,
        "status": state.status,
        "timestamp": datetime.now(UTC).isoformat(),
        "checks": checks_as_json(state.checks),
        "engine_stats": {
            "requests_processed": totals.requests,
            "avg_processing_time": round(totals.average_s, 6),
            "active_requests": totals.active,
            "queue_size": totals.waiting,
        },
        "autoscaler": state.autoscaler.as_json(),
    }
    return JSONResponse(content, status_code=200 if state.can_serve else 503)


@fleet_router.get("/info", response_model=InfoAnswer, summary="Versions, services, replicas")
async def info(request: Request) -> dict[str, Any]:
    runtime = runtime_of(request)
    table: ReplicaTable = request.app.state.table
    stats: FleetStats = request.app.state.stats
    window = await stats.window(60)
    server = runtime.settings.config.server
    serving = table.all(INFERENCE_SERVICE) + table.all(AUDIO_SERVICE)
    return {
        "success": True,
        "timestamp": datetime.now(UTC).isoformat(),
        "version": __version__,
        "python": platform.python_version(),
        "torch": _torch_version(serving),
        "server_config": server.model_dump(),
        "performance_metrics": latency_report(window),
        "tts_service": {
            "available": bool(table.ready(AUDIO_SERVICE)),
            "replicas": len(table.all(AUDIO_SERVICE)),
            "models": sorted({m for r in table.ready(AUDIO_SERVICE) for m in r.instances}),
        },
        "services": [
            {
                "name": name,
                "processes": len(table.all(name)),
                "ready": len(table.ready(name)),
                "addresses": [r.address for r in table.all(name) if r.address],
            }
            for name in table.services()
        ],
        "replicas": [_replica(r, fresh=table.is_fresh(r)) for r in serving],
    }


@fleet_router.get("/stats", response_model=StatsAnswer, summary="Measured load and latency")
async def stats(
    request: Request,
    window_seconds: Annotated[int, Query(ge=1, le=900, description="Length of the window.")] = 60,
) -> dict[str, Any]:
    fleet: FleetStats = request.app.state.stats
    gauge: JobGauge = request.app.state.job_gauge
    window, totals = await fleet.window(window_seconds), fleet.totals()
    depth = await gauge.depth()
    return {
        "success": True,
        "window_seconds": window_seconds,
        "stats": {
            "requests_processed": totals.requests,
            "total_processing_time": round(totals.total_s, 6),
            "avg_processing_time": round(totals.average_s, 6),
            "active_requests": totals.active,
            "queue_size": totals.waiting,
            "memory_usage_mb": window.memory_mb,
        },
        "jobs": {"queued": depth.queued, "running": depth.running} if depth else None,
        "performance_report": latency_report(window),
        "per_model": {name: _model(m, window.seconds) for name, m in window.models.items()},
        "warnings": [window.degraded] if window.degraded else [],
    }


def latency_report(window: FleetWindow) -> dict[str, Any]:
    latency = window.latency()
    return {
        "throughput_fps": round(latency.total / window.seconds, 3),
        "latency_p50": latency.quantile_s(0.5),
        "latency_p95": latency.quantile_s(0.95),
        "latency_p99": latency.quantile_s(0.99),
        "device_utilization": window.utilization,
    }


def _model(window: ModelWindow, seconds: int) -> dict[str, Any]:
    return {
        "requests": window.requests,
        "errors": window.errors,
        "throughput_fps": round(window.requests / seconds, 3),
        "latency_p50": window.latency.quantile_s(0.5),
        "latency_p95": window.latency.quantile_s(0.95),
        "latency_p99": window.latency.quantile_s(0.99),
    }


def _replica(replica: Replica, *, fresh: bool) -> dict[str, Any]:
    announced = replica.announced
    return {
        "id": replica.id,
        "service": announced.service,
        "address": announced.address,
        "state": announced.state if fresh else "lost",
        "device": announced.device,
        "in_flight": replica.load,
        "capacity": announced.capacity,
        "models": [
            {"name": m.name, "revision": m.revision, "state": m.state, "bytes": m.bytes}
            for m in announced.models
        ],
        "version": announced.version,
    }


def _torch_version(replicas: list[Replica]) -> str | None:
    """What the replicas run; the gateway's own image has no torch."""
    for replica in replicas:
        if "torch" in replica.announced.versions:
            return replica.announced.versions["torch"]
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return None
