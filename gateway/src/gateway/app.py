"""Composition root of the gateway: the only file that names concrete adapters."""

from collections.abc import Callable

import orjson
import structlog
from fastapi import FastAPI

from fleetserve.app import create_app, wrap_control
from fleetserve.asgi import App
from fleetserve.metrics.redis import RedisMetricsStore
from fleetserve.request_watch import RequestWatch
from fleetserve.runtime import ServiceRuntime, make_runtime
from fleetserve.settings import ServiceSettings
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE
from gateway.api.config import config_router
from gateway.api.dashboards import dashboards_router
from gateway.api.docs import docs_router, mount_assets
from gateway.api.fleet import fleet_router
from gateway.api.metrics import metrics_router
from gateway.bodies import BodyStore
from gateway.carrier import Carrier
from gateway.control_proxy import ControlProxy
from gateway.directory.redis import RedisDirectory
from gateway.dispatcher import Dispatcher
from gateway.fleet_health import FleetHealth
from gateway.fleet_metrics import FleetMetrics
from gateway.fleet_stats import FleetStats
from gateway.fleet_view import FleetView
from gateway.forwarder import DataRoute, Forwarder
from gateway.known_models import KnownModels
from gateway.openapi import FleetOpenapi
from gateway.prober import Prober
from gateway.replica_table import ReplicaTable
from gateway.router import Router
from gateway.service_calls import ServiceCalls
from gateway.upstream.base import Upstream
from gateway.upstream.http11 import Http11Upstream
from gateway.waiting_room import WaitingRoom

log = structlog.get_logger(__name__)

MIB = 1024 * 1024

PREFIXES = {
    "/models": "model-registry-svc",
    "/gpu": "gpu-svc",
    "/audio": AUDIO_SERVICE,
    "/tts": AUDIO_SERVICE,
}
EXPECTED = (INFERENCE_SERVICE, AUDIO_SERVICE, "model-registry-svc", "gpu-svc")


def build(settings: ServiceSettings) -> tuple[App, ServiceRuntime]:
    """The gateway's ASGI app and its runtime."""
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
    prober = Prober(table, upstream, runtime.signer, runtime.clock)
    runtime.background += [directory.run, prober.run]
    routes = {
        "/predict": DataRoute("/predict", None, server.timeout_s),
        "/synthesize": DataRoute("/synthesize", AUDIO_SERVICE, server.audio_timeout_s),
        "/transcribe": DataRoute("/transcribe", AUDIO_SERVICE, server.audio_timeout_s),
    }
    calls = ServiceCalls(table, upstream, runtime.signer, runtime.clock)
    control = _control_app(runtime, table, models, calls, directory, room)
    carrier = Carrier(runtime, bodies, dispatcher, RequestWatch(runtime.clock))
    proxy = ControlProxy(PREFIXES, carrier)
    forwarder = Forwarder(routes, models, carrier)
    hosts = settings.config.security.allowed_hosts
    return Router(
        routes, forwarder, proxy, wrap_control(control, require_token=False), hosts
    ), runtime


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
        routers=[fleet_router, config_router, metrics_router, dashboards_router, docs_router],
        own_routes=True,
    )
    store = RedisMetricsStore(runtime.redis, runtime.keys)
    health = FleetHealth(table, calls, directory, runtime, EXPECTED)
    app.state.table = table
    app.state.calls = calls
    app.state.health = health
    app.state.stats = FleetStats(table, store, room, runtime)
    app.state.metrics = FleetMetrics(table, calls, runtime)
    app.state.fleet_view = FleetView(table, models, store, health, runtime)
    app.state.openapi = FleetOpenapi(app, calls, PREFIXES)
    mount_assets(app)
    return app


def _lazy_upstream(runtime: ServiceRuntime) -> Callable[[], Upstream]:
    """Aiohttp's session belongs to a running loop, so it is made at its first use."""
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


def _catalogue(settings: ServiceSettings) -> tuple[list[str], dict[str, str]]:
    """Names and aliases of models.json, for the hint of a 404; the registry owns the file."""
    try:
        raw = orjson.loads(settings.catalogue_path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as exc:
        log.warning("catalogue.unreadable", error=str(exc))
        return [], {}
    return list(raw.get("available_models", {})), dict(raw.get("aliases", {}))
