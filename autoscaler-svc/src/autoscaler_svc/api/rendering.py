"""From the fleet's state to the answers."""

from collections.abc import Iterable
from datetime import UTC, datetime

from autoscaler_svc.api.answers import (
    AutoscalerBounds,
    AutoscalerModel,
    AutoscalerReplica,
    AutoscalerSeries,
    AutoscalerService,
    ColdStartEntry,
    ScaleAnswer,
    ScaleStep,
    ScaleTarget,
    ScalingDecision,
)
from autoscaler_svc.census import Member
from autoscaler_svc.cold_starts import ColdStart
from autoscaler_svc.fleet_state import FleetState, ServiceState
from autoscaler_svc.intents.base import SERVICE_PREFIX, Floor
from autoscaler_svc.journal.base import Entry
from autoscaler_svc.manual import Scaling
from autoscaler_svc.model_ledger import BUILT_IN, Asked, service_of
from autoscaler_svc.series import Point
from fleetserve.announcements import InstanceState


def timestamp(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")


def service_entry(service: ServiceState, floor: Floor | None) -> AutoscalerService:
    assessment = service.assessment
    decision, snapshot = assessment.decision, assessment.snapshot
    bounds = snapshot.bounds
    return AutoscalerService(
        desired_replicas=service.desired,
        current_replicas=service.live,
        ready_replicas=service.ready,
        starting_replicas=service.live - service.ready,
        leaving_replicas=service.leaving,
        load=round(assessment.situation.load, 3),
        stable_load=round(snapshot.stable_load, 3),
        panic_load=round(snapshot.panic_load, 3),
        held_requests=snapshot.held,
        cause=decision.cause,
        reason=decision.reason,
        limited_by=decision.limited_by,
        bounds=AutoscalerBounds(
            lower=bounds.lower,
            lower_reason=bounds.lower_reason,
            upper=max(bounds.upper, bounds.lower),
            upper_reason=bounds.upper_reason,
        ),
        asked_by_hand=floor.instances if floor is not None else None,
        trouble=service.trouble,
        replicas=[replica_entry(member) for member in service.members],
    )


def replica_entry(member: Member) -> AutoscalerReplica:
    told = member.told
    ready = [m.name for m in told.models if m.state is InstanceState.READY] if told else []
    return AutoscalerReplica(
        replica_id=member.id,
        unit=member.unit.id if member.unit is not None else None,
        state=member.state.value,
        managed=member.managed,
        in_flight=told.in_flight if told is not None else 0,
        models=ready,
        device=told.device if told is not None else "",
        not_ready_s=round(member.not_ready_s, 1),
    )


def model_entries(state: FleetState) -> dict[str, AutoscalerModel]:
    return {name: _model_entry(name, state) for name in sorted(state.known_models())}


def _model_entry(name: str, state: FleetState) -> AutoscalerModel:
    service = service_of(name, state.records) or ""
    of = state.services[service]
    hosts = [host for host in of.hosts if name in host.instances]
    asked = of.asked.get(name, Asked())
    target = f"{SERVICE_PREFIX}{service}" if name in BUILT_IN else name
    floor = state.floors.get(target)
    return AutoscalerModel(
        service=service,
        state="ready" if name in BUILT_IN else state.records[name].state.value,
        instances=of.instances(name),
        loading=len(hosts) - of.instances(name),
        replicas=[host.id for host in hosts],
        load=round(asked.load, 3),
        held_requests=asked.held,
        asked_by_hand=floor.instances if floor is not None else None,
        resident=name in BUILT_IN or name in state.residents,
    )


def decision_entry(entry: Entry) -> ScalingDecision:
    return ScalingDecision(
        id=entry.id,
        timestamp=timestamp(entry.at_s),
        kind=entry.kind,
        service=entry.service,
        subject=entry.subject,
        previous=entry.previous,
        target=entry.target,
        cause=entry.cause,
        reason=entry.reason,
        origin=entry.origin,
        limited_by=entry.limited_by,
        scaling_id=entry.scaling_id,
        inputs=entry.inputs,
    )


def series_entry(points: Iterable[Point]) -> AutoscalerSeries:
    found = list(points)
    return AutoscalerSeries(
        timestamps=[round(p.at_s, 3) for p in found],
        desired_replicas=[p.desired for p in found],
        ready_replicas=[p.ready for p in found],
        load=[p.load for p in found],
        held_requests=[p.held for p in found],
    )


def cold_start_entry(start: ColdStart) -> ColdStartEntry:
    return ColdStartEntry(
        timestamp=timestamp(start.at_s),
        service=start.service,
        replica_id=start.replica_id,
        model=start.model or None,
        seconds=start.seconds,
    )


def scale_answer(scaling: Scaling, *, done: bool, seconds: float) -> ScaleAnswer:
    aims = scaling.aims
    limits = [aim.limited_by for aim in aims if aim.limited_by is not None]
    return ScaleAnswer(
        scaling_id=scaling.id,
        status="completed" if done else "accepted",
        action=scaling.order.action,
        model_name=aims[0].label if len(aims) == 1 and scaling.order.models else None,
        previous_scale=sum(aim.previous for aim in aims),
        target_scale=sum(aim.instances for aim in aims),
        requested_scale=sum(aim.wanted for aim in aims),
        limited_by=limits[0] if limits else None,
        steps=[
            ScaleStep(
                action=step.action,
                service=step.service,
                count=step.count,
                model=step.model,
                detail=step.detail,
            )
            for step in scaling.steps
        ],
        targets=[
            ScaleTarget(
                name=aim.label,
                service=aim.service,
                previous_scale=aim.previous,
                requested_scale=aim.wanted,
                target_scale=aim.instances,
                limited_by=aim.limited_by,
            )
            for aim in aims
        ],
        seconds=round(seconds, 3),
    )
