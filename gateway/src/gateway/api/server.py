"""/server/config, /metrics/server, /metrics/tts: this fleet's server side in JSON."""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request

from fleetserve.app import runtime_of
from fleetserve.errors import UnavailableError
from fleetserve.tasks import AUDIO_SERVICE
from gateway.api.answers import ServerConfigAnswer, ServerMetricsAnswer, TtsMetricsAnswer
from gateway.api.fleet import latency_report
from gateway.fleet_stats import FleetStats
from gateway.replica_table import Replica, ReplicaTable
from gateway.service_calls import ServiceCalls

TIMEOUT_S = 1.0
server_router = APIRouter(tags=["server"])


@server_router.get(
    "/server/config", response_model=ServerConfigAnswer, summary="How the servers are set up"
)
async def server_config(request: Request) -> dict[str, Any]:
    config = runtime_of(request).settings.config
    table: ReplicaTable = request.app.state.table
    return {
        "success": True,
        "server": config.server.model_dump(),
        "inference": config.inference.model_dump(),
        "batch": config.batch.model_dump(),
        "audio": config.audio.model_dump(),
        "devices": {r.id: r.announced.device for r in table.all() if r.announced.device},
        "capacity": {r.id: r.announced.capacity for r in table.all() if r.announced.capacity},
    }


@server_router.get(
    "/metrics/server", response_model=ServerMetricsAnswer, summary="Load and latency, measured"
)
async def server_metrics(
    request: Request,
    window_seconds: Annotated[int, Query(ge=1, le=900)] = 60,
) -> dict[str, Any]:
    stats: FleetStats = request.app.state.stats
    window, totals = await stats.window(window_seconds), stats.totals()
    return {
        "success": True,
        "window_seconds": window_seconds,
        "requests": totals.requests,
        "errors": totals.errors,
        "in_flight": totals.active,
        "held": totals.held,
        "queued": totals.queued,
        "memory_mb": window.memory_mb,
        "performance": latency_report(window),
        "warnings": [window.degraded] if window.degraded else [],
    }


@server_router.get(
    "/metrics/tts", response_model=TtsMetricsAnswer, summary="Speech synthesis, measured"
)
async def tts_metrics(request: Request) -> dict[str, Any]:
    table: ReplicaTable = request.app.state.table
    calls: ServiceCalls = request.app.state.calls
    replicas = table.ready(AUDIO_SERVICE)
    answers = await asyncio.gather(*(_performance(calls, r) for r in replicas))
    told = {r.id: a for r, a in zip(replicas, answers, strict=True) if a is not None}
    audio_s = sum(a.get("audio_seconds", 0.0) for a in told.values())
    compute_s = sum(a.get("compute_seconds", 0.0) for a in told.values())
    return {
        "success": True,
        "requests": sum(a.get("requests", 0) for a in told.values()),
        "audio_seconds": round(audio_s, 3),
        "compute_seconds": round(compute_s, 3),
        "real_time_factor": round(compute_s / audio_s, 4) if audio_s else None,
        "replicas": told,
        "warnings": [f"{r.id} did not answer" for r in replicas if r.id not in told],
    }


async def _performance(calls: ServiceCalls, replica: Replica) -> dict[str, Any] | None:
    try:
        status, content = await calls.get(replica, "/tts/health", TIMEOUT_S)
    except UnavailableError:
        return None
    if status != 200:
        return None
    performance: dict[str, Any] = orjson.loads(content).get("performance", {})
    return performance
