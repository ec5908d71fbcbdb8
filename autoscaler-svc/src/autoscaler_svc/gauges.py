"""Each tick's figures among the service's metrics, and as tables on its dashboard."""

from autoscaler_svc.fleet_state import FleetState
from autoscaler_svc.intents.base import SERVICE_PREFIX
from fleetserve.dashboard.view import Table
from fleetserve.metrics.requests import RequestMetrics


def set_gauges(metrics: RequestMetrics, state: FleetState) -> None:
    """Names such as inference_desired_replicas."""
    for name, service in state.services.items():
        kind = name.removesuffix("-svc")
        assessed = service.assessment
        metrics.gauges[f"{kind}_desired_replicas"] = float(service.desired)
        metrics.gauges[f"{kind}_ready_replicas"] = float(service.ready)
        metrics.gauges[f"{kind}_load"] = round(assessed.situation.load, 3)
        metrics.gauges[f"{kind}_held_requests"] = float(assessed.snapshot.held)


def replica_table(state: FleetState | None) -> Table:
    """Every kind of replica, what is wanted of it and why."""
    rows = [
        [
            name,
            service.ready,
            service.desired,
            f"{service.assessment.situation.load:.1f}",
            service.assessment.snapshot.held,
            service.assessment.decision.cause.value,
            service.trouble or service.assessment.decision.reason,
        ]
        for name, service in (state.services.items() if state is not None else ())
    ]
    columns = ("service", "ready", "desired", "load", "held", "cause", "reason")
    return Table("Replicas", columns, rows)


def model_table(state: FleetState | None) -> Table:
    """Where each model is."""
    rows = [
        [
            name,
            host.id,
            "ready" if instance.ready else "loading",
            f"{instance.idle_s:.0f} s ago",
            _asked(state, name),
        ]
        for service in (state.services.values() if state is not None else ())
        for host in service.hosts
        for name, instance in sorted(host.instances.items())
    ]
    return Table("Placement", ("model", "replica", "state", "last used", "asked by hand"), rows)


def _asked(state: FleetState | None, name: str) -> str:
    floor = state.floors.get(name) if state is not None else None
    return str(floor.instances) if floor is not None else "–"


def floor_table(state: FleetState | None) -> Table:
    """What somebody asked for."""
    rows = [
        [floor.target.removeprefix(SERVICE_PREFIX), floor.instances, floor.reason or "–"]
        for floor in (state.floors.values() if state is not None else ())
    ]
    return Table("Asked by hand", ("target", "at least", "reason"), rows, "Nothing.")
