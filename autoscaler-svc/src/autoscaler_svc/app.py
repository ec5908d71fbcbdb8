"""Composition root of autoscaler-svc: the only file that names concrete adapters."""

from collections.abc import Callable

from fastapi import FastAPI

from autoscaler_svc.api.autoscaler import router
from autoscaler_svc.api.config import config_router
from autoscaler_svc.api.internal import internal_router
from autoscaler_svc.chronicle import Chronicle
from autoscaler_svc.fleet.redis import RedisFleet
from autoscaler_svc.fleet_state import FleetState
from autoscaler_svc.gauges import floor_table, model_table, replica_table, set_gauges
from autoscaler_svc.intents.redis import RedisIntents
from autoscaler_svc.journal.redis import RedisJournal
from autoscaler_svc.lease.redis import RedisLease
from autoscaler_svc.machine.measured import MeasuredMachine
from autoscaler_svc.manual import Manual
from autoscaler_svc.observer import LEASE_TTL_S, Observer
from autoscaler_svc.orchestrator.base import Orchestrator
from autoscaler_svc.orchestrator.process import ProcessOrchestrator
from autoscaler_svc.placer import Placer
from autoscaler_svc.ports import Ports
from autoscaler_svc.reconciler import Reconciler
from autoscaler_svc.redis_keys import ScalerKeys
from autoscaler_svc.replica_calls.http import HttpReplicaCalls
from autoscaler_svc.scaler import SERVICES, Scaler
from autoscaler_svc.series import Series
from autoscaler_svc.services import AutoscalerServices
from autoscaler_svc.settings import AutoscalerSettings
from fleetserve.app import create_app, wrap_control
from fleetserve.asgi import App
from fleetserve.dashboard.view import Table
from fleetserve.errors import UnavailableError
from fleetserve.health import Check
from fleetserve.runtime import ServiceRuntime, make_runtime
from fleetserve.supervisor.engine_client import EngineClient


def build(settings: AutoscalerSettings) -> tuple[App, ServiceRuntime]:
    """The service's ASGI app and its runtime."""
    runtime = make_runtime(settings.service)
    services = assemble(runtime, real_ports(settings, runtime), leaves=settings.leaves)
    return wrap_control(control_app(runtime, services)), runtime


def control_app(runtime: ServiceRuntime, services: AutoscalerServices) -> FastAPI:
    """The service around given parts, without the layer of tokens."""
    app = create_app(
        runtime,
        title="Fleetserve autoscaler",
        routers=[router, config_router, internal_router],
        checks={"scaling": _check(services)},
    )
    app.state.services = services
    return app


def real_ports(settings: AutoscalerSettings, runtime: ServiceRuntime) -> Ports:
    """Redis, the engine that the settings name, and this machine; connects to nothing yet."""
    service, client, clock = settings.service, runtime.redis, runtime.clock
    keys = ScalerKeys(service.key_prefix)
    return Ports(
        fleet=RedisFleet(client, runtime.keys, clock),
        orchestrator=_orchestrator(settings),
        intents=RedisIntents(client, keys),
        journal=RedisJournal(client, keys),
        lease=RedisLease(client, keys, service.replica_id, LEASE_TTL_S),
        machine=MeasuredMachine(clock, runtime.signer),
        calls=HttpReplicaCalls(runtime.signer),
    )


def assemble(runtime: ServiceRuntime, ports: Ports, *, leaves: bool) -> AutoscalerServices:
    """Puts the parts together, with their background work on the runtime.

    Args:
        runtime: The process's.
        ports: What it acts on.
        leaves: At its end it ends what it made.
    """
    config, clock, me = runtime.settings.config, runtime.clock, runtime.settings.replica_id
    chronicle, series = Chronicle(ports.journal, runtime.metrics, clock), Series()
    observer = Observer(ports, clock, me=me, base=config.autoscaler)
    placer = Placer(ports.calls, chronicle, clock)
    reconciler = Reconciler(
        ports.orchestrator, ports.calls, chronicle, clock, on_change=observer.ask_engine_soon
    )

    def on_tick(state: FleetState) -> None:
        series.add(state)
        set_gauges(runtime.metrics, state)

    scaler = Scaler(
        ports,
        observer,
        reconciler,
        placer,
        chronicle,
        clock,
        config,
        on_tick=on_tick,
        is_stopping=lambda: runtime.draining,
    )
    runtime.readiness.append(scaler.not_ready)
    runtime.background.append(scaler.run)
    if leaves:
        runtime.on_shutdown.append(scaler.leave)
    closing = (reconciler, placer, ports.calls, ports.machine, ports.orchestrator)
    runtime.on_shutdown += [part.close for part in closing]
    runtime.tables += _tables(scaler)
    return AutoscalerServices(
        me=me,
        scaler=scaler,
        manual=Manual(scaler, placer, ports, clock),
        intents=ports.intents,
        chronicle=chronicle,
        series=series,
        metrics=runtime.metrics,
        base=config.autoscaler,
        sources=runtime.settings.sources,
    )


def _orchestrator(settings: AutoscalerSettings) -> Orchestrator:
    if settings.engine_url is not None:
        # The SDK takes 8 MiB, which local processes need not pay.
        from autoscaler_svc.orchestrator.docker import DockerOrchestrator

        return DockerOrchestrator(settings.engine_url)
    socket = settings.service.engine_socket
    assert socket is not None, "settings have one of the two"
    return ProcessOrchestrator(EngineClient(socket), SERVICES)


def _tables(scaler: Scaler) -> list[Callable[[], Table]]:
    return [
        lambda: replica_table(scaler.state),
        lambda: model_table(scaler.state),
        lambda: floor_table(scaler.state),
    ]


def _check(services: AutoscalerServices) -> Check:
    async def check() -> str:
        overview = services.overview()
        state = overview.state
        problem = overview.problem or (state.engine_away if state is not None else "")
        if problem or state is None:
            raise UnavailableError(problem)
        return "leads" if state.leads else f"{state.leader} leads"

    return check
