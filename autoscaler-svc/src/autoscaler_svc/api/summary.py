"""The answers that are about everything at once."""

from typing import Literal

from autoscaler_svc.api.answers import (
    AutoscalerComponent,
    AutoscalerHealthAnswer,
    AutoscalerLeader,
    AutoscalerStatsAnswer,
)
from autoscaler_svc.api.rendering import decision_entry, model_entries, service_entry, timestamp
from autoscaler_svc.fleet_state import FleetState
from autoscaler_svc.intents.base import SERVICE_PREFIX
from autoscaler_svc.journal.base import EntryKind
from autoscaler_svc.policy import Cause
from autoscaler_svc.services import Overview
from fleetserve.errors import UnavailableError

_AT_ZERO = (Cause.ASLEEP, Cause.TO_ZERO)


def stats_answer(overview: Overview, now_s: float) -> AutoscalerStatsAnswer:
    """Raises: UnavailableError: the fleet has not been seen yet."""
    state = overview.state
    if state is None:
        raise UnavailableError(
            f"Nothing is known of the fleet yet: {overview.problem}", retry_after_s=2
        )
    models = model_entries(state)
    services = state.services.values()
    return AutoscalerStatsAnswer(
        timestamp=timestamp(now_s),
        enabled=state.config.enabled,
        state=_state(overview),
        problem=overview.problem or state.engine_away,
        leader=AutoscalerLeader(replica_id=state.leader, is_this=state.leader == overview.me),
        services={
            name: service_entry(service, state.floors.get(f"{SERVICE_PREFIX}{name}"))
            for name, service in state.services.items()
        },
        models=models,
        totals={
            "desired_replicas": sum(s.desired for s in services),
            "current_replicas": sum(s.live for s in services),
            "ready_replicas": sum(s.ready for s in services),
            "model_instances": sum(m.instances for m in models.values()),
        },
        counters=counters(overview),
        cold_starts=overview.cold_starts,
        last_decision=decision_entry(overview.last) if overview.last is not None else None,
    )


def health_answer(overview: Overview, now_s: float) -> AutoscalerHealthAnswer:
    """Healthy where everything that a decision needs is there."""
    state = overview.state
    components = {
        "fleet": _component(overview.problem, "heard"),
        "engine": _component(state.engine_away if state else "not asked yet", "answers"),
        "leader": _leader(overview.me, state),
    }
    for name, service in (state.services if state else {}).items():
        detail = f"{service.ready} of {service.desired} ready"
        components[name] = _component(service.trouble, detail)
    healthy = all(component.healthy for component in components.values())
    off = state is not None and not state.config.enabled
    return AutoscalerHealthAnswer(
        success=healthy,
        healthy=healthy,
        state="disabled" if off else _state(overview),
        timestamp=timestamp(now_s),
        components=components,
        asleep=_asleep(state),
    )


def counters(overview: Overview) -> dict[str, int]:
    """Decisions by kind; every kind is there."""
    found = {kind.value: overview.counted.get(kind, 0) for kind in EntryKind}
    return found | {"cold_starts": overview.cold_starts}


def _state(overview: Overview) -> Literal["running", "watching", "waiting"]:
    state = overview.state
    if state is None or overview.problem or state.engine_away:
        return "waiting"
    return "running" if state.leads else "watching"


def _component(problem: str, well: str) -> AutoscalerComponent:
    return AutoscalerComponent(healthy=not problem, detail=problem or well)


def _leader(me: str, state: FleetState | None) -> AutoscalerComponent:
    if state is None or not state.leader:
        return AutoscalerComponent(healthy=False, detail="nobody leads")
    who = "this one" if state.leader == me else state.leader
    return AutoscalerComponent(healthy=True, detail=f"{who} leads")


def _asleep(state: FleetState | None) -> list[str]:
    """At zero on purpose."""
    return [
        name
        for name, service in (state.services if state else {}).items()
        if service.desired == 0 and service.assessment.decision.cause in _AT_ZERO
    ]
