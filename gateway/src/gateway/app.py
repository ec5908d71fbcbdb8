"""Composition root of the gateway: the only file that names concrete adapters."""

from dataclasses import dataclass

from fastapi import FastAPI

from fleetserve.app import create_app, wrap_control
from fleetserve.asgi import App
from fleetserve.audit_log import AuditLog
from fleetserve.jobs.ledger.base import Bounds
from fleetserve.jobs.ledger.redis import RedisLedger
from fleetserve.jobs.queue.memory import MemoryQueue
from fleetserve.metrics.redis import RedisMetricsStore
from fleetserve.redis_client import make_sync_redis
from fleetserve.runtime import ServiceRuntime, make_runtime
from fleetserve.settings import ServiceSettings
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE
from fleetserve_celery.queue import PRODUCER_TIMEOUT_S, CeleryQueue, make_celery
from gateway.access import make_access
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
from gateway.control_proxy import ControlProxy
from gateway.data_path import MIB, DataPath
from gateway.data_routes import RouteTable, data_routes
from gateway.directory.redis import RedisDirectory
from gateway.fleet_health import FleetHealth
from gateway.fleet_metrics import FleetMetrics
from gateway.fleet_stats import FleetStats
from gateway.fleet_view import FleetView
from gateway.jobs.acceptance import Acceptance
from gateway.jobs.batches import BatchDoor
from gateway.jobs.desk import JobDesk
from gateway.jobs.gauge import JobGauge
from gateway.jobs.index.redis import RedisIndex
from gateway.jobs.intake import JobIntake
from gateway.jobs.job_files import JobFiles
from gateway.jobs.storage import Storage
from gateway.jobs.webhook.signature import WEBHOOK_KEY, WebhookSecrets
from gateway.jobs.webhook.target import Targets
from gateway.log_folder import LogFolder
from gateway.openapi import FleetOpenapi
from gateway.optimizing import FleetOptimizer
from gateway.router import Router
from gateway.settings import (
    JOBS_QUEUE,
    JOBS_WORKER,
    GatewaySettings,
    job_keys,
    webhook_keys,
)
from gateway.socket_proxy import SocketProxy
from gateway.upstream.http11 import LazyPool
from gateway.upstream.sockets import open_socket
from gateway.v2_models import V2Models
from gateway.v2_statistics import V2Statistics

PREFIXES = {
    "/models": "model-registry-svc",
    "/gpu": "gpu-svc",
    "/auth": "auth-svc",
    "/autoscaler": "autoscaler-svc",
    "/audio": AUDIO_SERVICE,
    "/tts": AUDIO_SERVICE,
}
# Replicas only read what lies beside the models; the registry writes it.
WRITES = {"/audio/voices": "model-registry-svc"}
EXPECTED = (
    INFERENCE_SERVICE,
    AUDIO_SERVICE,
    "model-registry-svc",
    "gpu-svc",
    "auth-svc",
    "autoscaler-svc",
    JOBS_WORKER,
)


def build(gateway: GatewaySettings) -> tuple[App, ServiceRuntime]:
    """The gateway's ASGI app and its runtime."""
    settings = gateway.service
    runtime = make_runtime(settings)
    server = settings.config.server
    upstream = LazyPool()
    path = DataPath(runtime, upstream)
    directory = RedisDirectory(runtime.redis, runtime.keys, path.table, path.models, runtime.clock)
    runtime.serves_models = True
    runtime.background += [directory.run, path.prober.run, path.demand.run]
    routes = RouteTable(data_routes(server))
    audit = _audit_log(runtime)
    access = make_access(runtime, gateway.auth, path.table, path.calls, audit, routes.late_paths)
    jobs = _jobs(runtime)
    control = _control_app(runtime, path, directory, jobs)
    control.state.audit = audit
    carrier = path.carrier(Acceptance(jobs.intake))
    proxy = ControlProxy(PREFIXES, carrier, WRITES)
    forwarder = path.forwarder(carrier, access.entrance, takes_jobs=True)
    served = wrap_control(control, require_token=False)
    runtime.on_shutdown.append(upstream.close)
    sockets = SocketProxy(
        path.table, path.models, path.room, runtime.signer, runtime.clock, open_socket
    )
    return Router(routes, forwarder, proxy, served, access.entrance, sockets), runtime


@dataclass(frozen=True, slots=True)
class _Jobs:
    """The gateway's side of jobs."""

    intake: JobIntake
    desk: JobDesk
    gauge: JobGauge


def _jobs(runtime: ServiceRuntime) -> _Jobs:
    settings, clock = runtime.settings, runtime.clock
    config = settings.config.jobs
    client = make_sync_redis(settings.redis_url)
    ledger = RedisLedger(client, job_keys(settings), keep_s=config.keep_s)
    celery = make_celery(settings.redis_url, runtime.keys, JOBS_QUEUE, timeout_s=PRODUCER_TIMEOUT_S)
    queue = CeleryQueue(ledger, celery)
    # Workers look for them themselves, and soon enough.
    webhooks = MemoryQueue(RedisLedger(client, webhook_keys(settings), keep_s=config.keep_s))
    index, files = RedisIndex(client, job_keys(settings)), JobFiles(settings.jobs_dir)
    storage = Storage(files, ledger, webhooks, config.disk_mib * MIB, clock)
    each = config.max_queued_each if settings.config.security.enable_auth else config.max_queued
    intake = JobIntake(
        queue,
        index,
        files,
        storage,
        Targets(allow_private=config.allow_private_webhooks),
        WebhookSecrets(settings.jobs_dir / WEBHOOK_KEY),
        Bounds(config.max_queued, each),
    )
    return _Jobs(intake, JobDesk(ledger, index, files, webhooks, clock), JobGauge(ledger))


def _control_app(
    runtime: ServiceRuntime, path: DataPath, directory: RedisDirectory, jobs: _Jobs
) -> FastAPI:
    # The factory's /health and /metrics know one process; the gateway's know the fleet.
    app = create_app(
        runtime,
        title="Fleetserve",
        routers=[
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
        ],
        own_routes=True,
    )
    store = RedisMetricsStore(runtime.redis, runtime.keys)
    table, calls = path.table, path.calls
    health = FleetHealth(table, calls, directory, runtime, _expected(runtime.settings))
    app.state.table = table
    app.state.models = path.models
    app.state.v2_models = V2Models(table, path.models, calls)
    app.state.v2_statistics = V2Statistics(table, app.state.v2_models, calls)
    app.state.calls = calls
    app.state.health = health
    app.state.logs = LogFolder(runtime.settings.logs_dir)
    app.state.stats = FleetStats(table, store, path.room, runtime)
    app.state.jobs = jobs.desk
    app.state.job_gauge = jobs.gauge
    app.state.batches = BatchDoor(jobs.intake, path.bodies, path.models)
    app.state.metrics = FleetMetrics(table, calls, jobs.gauge, runtime)
    app.state.fleet_view = FleetView(table, path.models, store, health, runtime)
    app.state.optimizer = FleetOptimizer(table, path.models, calls, runtime.clock)
    app.state.openapi = FleetOpenapi(app, calls, [*PREFIXES.items(), *WRITES.items()])
    mount_assets(app)
    mount_studio(app)
    return app


def _expected(settings: ServiceSettings) -> tuple[str, ...]:
    """The services whose absence /health reports."""
    if settings.config.autoscaler.enabled:
        return EXPECTED
    return tuple(name for name in EXPECTED if name != "autoscaler-svc")


def _audit_log(runtime: ServiceRuntime) -> AuditLog:
    audit = AuditLog(runtime.settings.logs_dir, runtime.clock)

    async def close() -> None:
        audit.close()

    runtime.on_shutdown.append(close)
    return audit
