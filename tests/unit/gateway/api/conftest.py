from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

from fleetserve.app import create_app, wrap_control
from fleetserve.audit_log import AuditLog
from fleetserve.jobs.ledger.memory import MemoryLedger
from fleetserve.metrics.memory import MemoryMetricsStore
from gateway.api.config import config_router
from gateway.api.dashboards import dashboards_router
from gateway.api.docs import docs_router, mount_assets
from gateway.api.fleet import fleet_router
from gateway.api.jobs import jobs_router
from gateway.api.logs import logs_router
from gateway.api.metrics import metrics_router
from gateway.api.openai import openai_router
from gateway.api.optimize import optimize_router
from gateway.api.server import server_router
from gateway.api.studio import mount_studio, studio_router
from gateway.api.v2 import v2_router
from gateway.api.v2_statistics import v2_statistics_router
from gateway.api.v2_unoffered import v2_unoffered_router
from gateway.directory.memory import MemoryDirectory
from gateway.fleet_health import FleetHealth
from gateway.fleet_metrics import FleetMetrics
from gateway.fleet_stats import FleetStats
from gateway.fleet_view import FleetView
from gateway.jobs.gauge import JobGauge
from gateway.log_folder import LogFolder
from gateway.openapi import FleetOpenapi
from gateway.optimizing import FleetOptimizer
from gateway.v2_models import V2Models
from gateway.v2_statistics import V2Statistics
from tests.unit.gateway.fleet import Fleet

EXPECTED = ("inference-svc", "audio-svc")


@pytest.fixture
def store() -> MemoryMetricsStore:
    return MemoryMetricsStore()


@pytest.fixture
def ledger(fleet: Fleet) -> MemoryLedger:
    return MemoryLedger(fleet.clock)


@pytest.fixture
def directory(fleet: Fleet) -> MemoryDirectory:
    return MemoryDirectory(fleet.table, fleet.models)


@pytest.fixture
def audit(fleet: Fleet) -> Iterator[AuditLog]:
    audit = AuditLog(fleet.runtime.settings.logs_dir, fleet.clock)
    yield audit
    audit.close()


@pytest.fixture
def app(
    fleet: Fleet,
    store: MemoryMetricsStore,
    directory: MemoryDirectory,
    audit: AuditLog,
    ledger: MemoryLedger,
) -> FastAPI:
    """The gateway's own routes over a fleet in memory."""
    routers = [
        fleet_router,
        config_router,
        metrics_router,
        server_router,
        optimize_router,
        dashboards_router,
        studio_router,
        logs_router,
        openai_router,
        v2_router,
        v2_statistics_router,
        v2_unoffered_router,
        jobs_router,
        docs_router,
    ]
    app = create_app(fleet.runtime, title="Fleetserve", routers=routers, own_routes=True)
    health = FleetHealth(fleet.table, fleet.calls, directory, fleet.runtime, EXPECTED)
    app.state.table = fleet.table
    app.state.models = fleet.models
    app.state.v2_models = V2Models(fleet.table, fleet.models, fleet.calls)
    app.state.v2_statistics = V2Statistics(fleet.table, app.state.v2_models, fleet.calls)
    app.state.calls = fleet.calls
    app.state.health = health
    app.state.logs = LogFolder(fleet.runtime.settings.logs_dir)
    app.state.audit = audit
    app.state.stats = FleetStats(fleet.table, store, fleet.room, fleet.runtime)
    app.state.job_gauge = JobGauge(ledger)
    app.state.metrics = FleetMetrics(fleet.table, fleet.calls, JobGauge(ledger), fleet.runtime)
    app.state.fleet_view = FleetView(fleet.table, fleet.models, store, health, fleet.runtime)
    app.state.optimizer = FleetOptimizer(fleet.table, fleet.models, fleet.calls, fleet.clock)
    app.state.openapi = FleetOpenapi(app, fleet.calls, [("/models", "model-registry-svc")])
    mount_assets(app)
    mount_studio(app)
    return app


@pytest.fixture
async def client(app: FastAPI, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(wrap_control(app, require_token=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client
