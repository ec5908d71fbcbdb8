"""Composition root of the gateway: the only file that names concrete adapters."""

from collections.abc import Callable

import orjson
import structlog
from fastapi import FastAPI

from fleetserve.app import create_app, wrap_control
from fleetserve.asgi import App
from fleetserve.audit_log import AuditLog
from fleetserve.metrics.redis import RedisMetricsStore
from fleetserve.request_watch import RequestWatch
from fleetserve.runtime import ServiceRuntime, make_runtime
from fleetserve.settings import ServiceSettings
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE
from gateway.access import make_access
from gateway.api.config import config_router
from gateway.api.dashboards import dashboards_router
from gateway.api.docs import docs_router, mount_assets
from gateway.api.fleet import fleet_router
from gateway.api.logs import logs_router
from gateway.api.metrics import metrics_router
from gateway.api.optimize import optimize_router
from gateway.api.server import server_router
from gateway.bodies import BodyStore
from gateway.carrier import Carrier
from gateway.control_proxy import ControlProxy
from gateway.demand import DemandPublisher
from gateway.directory.redis import RedisDirectory
from gateway.dispatcher import Dispatcher
from gateway.fleet_health import FleetHealth
from gateway.fleet_metrics import FleetMetrics
from gateway.fleet_stats import FleetStats
from gateway.fleet_view import FleetView
from gateway.forwarder import DataRoute, Forwarder
from gateway.known_models import KnownModels
from gateway.log_folder import LogFolder
from gateway.openapi import FleetOpenapi
from gateway.optimizing import FleetOptimizer
from gateway.prober import Prober
from gateway.replica_table import ReplicaTable
from gateway.router import Router
from gateway.service_calls import ServiceCalls
from gateway.settings import GatewaySettings
from gateway.upstream.base import Upstream
from gateway.upstream.http11 import Http11Upstream
from gateway.waiting_room import WaitingRoom

log = structlog.get_logger(__name__)

MIB = 1024 * 1024

PREFIXES = {
    "/models": "model-registry-svc",
    "/gpu": "gpu-svc",
    "/auth": "auth-svc",
    "/autoscaler": "autoscaler-svc",
    "/audio": AUDIO_SERVICE,
    "/tts": AUDIO_SERVICE,
}
EXPECTED = (
    INFERENCE_SERVICE,
    AUDIO_SERVICE,
    "model-registry-svc",
    "gpu-svc",
    "auth-svc",
    "autoscaler-svc",
)


def build(gateway: GatewaySettings) -> tuple[App, ServiceRuntime]:
    """The gateway's ASGI app and its runtime."""
    settings = gateway.service
    runtime = make_runtime(settings)
    server = settings.config.server
    table = ReplicaTable(runtime.clock)
    models = KnownModels(*_catalogue(settings))
    room = WaitingRoom(
        table,
        runtime.clock,
        max_requests=server.hold_requests,
        max_bytes=server.hold_mib * MIB,
        hold_s=server.hold_s,
    )
    upstream = _lazy_upstream(runtime)
    dispatcher = Dispatcher(
        table, models, room, upstream, runtime.signer, runtime.clock, runtime.metrics
    )
    bodies = BodyStore(
        settings.cache_dir / "spool",
        max_body=server.max_file_mb * MIB,
        spool_above=server.spool_above_kib * 1024,
        max_total=server.buffered_mib * MIB,
    )
    directory = RedisDirectory(runtime.redis, runtime.keys, table, models, runtime.clock)
    calls = ServiceCalls(table, upstream, runtime.signer, runtime.clock)
    prober = Prober(table, calls, runtime.clock)
    demand = DemandPublisher(
        runtime.redis,
        runtime.keys,
        settings.replica_id,
        dispatcher.demand,
        room.demand,
        runtime.clock,
    )
    runtime.background += [directory.run, prober.run, demand.run]
    routes = {
        "/predict": DataRoute("/predict", None, server.timeout_s),
        "/synthesize": DataRoute("/synthesize", AUDIO_SERVICE, server.audio_timeout_s),
        "/transcribe": DataRoute("/transcribe", AUDIO_SERVICE, server.audio_timeout_s),
    }
    audit = _audit_log(runtime)
    access = make_access(runtime, gateway.auth, table, calls, audit, list(routes))
    control = _control_app(runtime, table, models, calls, directory, room)
    control.state.audit = audit
    carrier = Carrier(runtime, bodies, dispatcher, RequestWatch(runtime.clock))
    proxy = ControlProxy(PREFIXES, carrier)
    forwarder = Forwarder(routes, models, carrier, access.entrance, room, runtime.clock)
    served = wrap_control(control, require_token=False)
    return Router(routes, forwarder, proxy, served, access.entrance), runtime


def _control_app(
    runtime: ServiceRuntime,
    table: ReplicaTable,
    models: KnownModels,
    calls: ServiceCalls,
    directory: RedisDirectory,
    room: WaitingRoom,
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
            logs_router,
            docs_router,
        ],
        own_routes=True,
    )
    store = RedisMetricsStore(runtime.redis, runtime.keys)
    health = FleetHealth(table, calls, directory, runtime, _expected(runtime.settings))
    app.state.table = table
    app.state.calls = calls
    app.state.health = health
    app.state.logs = LogFolder(runtime.settings.logs_dir)
    app.state.stats = FleetStats(table, store, room, runtime)
    app.state.metrics = FleetMetrics(table, calls, runtime)
    app.state.fleet_view = FleetView(table, models, store, health, runtime)
    app.state.optimizer = FleetOptimizer(table, models, calls, runtime.clock)
    app.state.openapi = FleetOpenapi(app, calls, PREFIXES)
    mount_assets(app)
    return app


def _expected(settings: ServiceSettings) -> tuple[str, ...]:
    """The services whose absence /health reports."""
    if settings.config.autoscaler.enabled:
        return EXPECTED
    return tuple(name for name in EXPECTED if name != "autoscaler-svc")


def _lazy_upstream(runtime: ServiceRuntime) -> Callable[[], Upstream]:
    """The pool belongs to a running loop, so it is made at its first use."""
    made: list[Upstream] = []

    def get() -> Upstream:
        if not made:
            made.append(Http11Upstream())
        return made[0]

    async def close() -> None:
        for upstream in made:
            await upstream.close()

    runtime.on_shutdown.append(close)
    return get


def _audit_log(runtime: ServiceRuntime) -> AuditLog:
    audit = AuditLog(runtime.settings.logs_dir, runtime.clock)

    async def close() -> None:
        audit.close()

    runtime.on_shutdown.append(close)
    return audit


def _catalogue(settings: ServiceSettings) -> tuple[list[str], dict[str, str]]:
    """Names and aliases of models.json, for the hint of a 404; the registry owns the file."""
    try:
        raw = orjson.loads(settings.catalogue_path.read_bytes())
        return list(raw.get("available_models", {})), dict(raw.get("aliases", {}))
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        log.warning("catalogue.unreadable", error=str(exc))
        return [], {}
