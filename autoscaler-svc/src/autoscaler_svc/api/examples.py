"""Examples for the OpenAPI document, made by the code itself from one made-up moment.

So they can't drift from what the endpoints answer.
"""

from typing import Any

from pydantic import BaseModel

from autoscaler_svc.api.answers import (
    AutoscalerConfigAnswer,
    AutoscalerMetricsAnswer,
    ScalingHistoryAnswer,
)
from autoscaler_svc.api.rendering import (
    cold_start_entry,
    decision_entry,
    scale_answer,
    series_entry,
    timestamp,
)
from autoscaler_svc.api.summary import counters, health_answer, stats_answer
from autoscaler_svc.bounds import Room
from autoscaler_svc.census import Member, MemberState
from autoscaler_svc.cold_starts import ColdStart
from autoscaler_svc.fleet_state import FleetState, ServiceState
from autoscaler_svc.journal.base import Entry, EntryKind
from autoscaler_svc.manual import Scaling
from autoscaler_svc.model_ledger import Asked, hosts_of
from autoscaler_svc.orchestrator.base import Unit, UnitState
from autoscaler_svc.policy import Cause
from autoscaler_svc.scaling import Order, aims_of, planned_steps
from autoscaler_svc.series import Point
from autoscaler_svc.service_scaler import Floors, ServiceScaler, Situation
from autoscaler_svc.services import Overview
from fleetserve.announcements import Announcement, InstanceState, ModelInstance, ReplicaState
from fleetserve.config import AutoscalerConfig
from fleetserve.model_records import ModelRecord, ModelState
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE, Task

MOMENT_S = 1_767_225_600.0  # 2026-01-01
ME = "autoscaler-svc"
CONFIG_VALUES = AutoscalerConfig()
SPEECH = ModelRecord("speecht5_tts", Task.TEXT_TO_SPEECH, ModelState.READY, revision="30fcde30")


def _member(service: str, model: str, in_flight: int) -> Member:
    replica = f"{service}-1"
    told = Announcement(
        service,
        replica,
        "http://127.0.0.1:40001",
        "5f0c9a1b2d3e4f50",
        ReplicaState.READY,
        (ModelInstance(model, "30fcde30", InstanceState.READY),),
        in_flight=in_flight,
        device="cpu",
    )
    unit = Unit("044310a97beb", service, replica, "", UnitState.RUNNING, False, MOMENT_S)
    return Member(service, MemberState.READY, unit, told)


def _service(service: str, model: str, load: float) -> ServiceState:
    members = (_member(service, model, round(load)),)
    situation = Situation(
        now_s=MOMENT_S,
        members=members,
        load=load,
        held=0,
        floors=Floors(own=None, at_start=1),
        room=Room(cores=8, free_mb=24_000.0, gpus=0),
        replica_mb=420.0,
    )
    scaler = ServiceScaler(service, CONFIG_VALUES)
    for second in range(30):
        scaler.assess(_at(situation, MOMENT_S - 30 + second))
    asked = {model: Asked(load, 0)} if load else {}
    return ServiceState(
        service, scaler.assess(situation), members, 0, tuple(hosts_of(members)), asked
    )


def _at(situation: Situation, now_s: float) -> Situation:
    return Situation(
        now_s, situation.members, situation.load, 0, situation.floors, situation.room, 420.0
    )


def _state() -> FleetState:
    services = (
        _service(INFERENCE_SERVICE, "example", 3.4),
        _service(AUDIO_SERVICE, SPEECH.name, 0.0),
    )
    return FleetState(
        at_s=MOMENT_S,
        services={state.service: state for state in services},
        records={SPEECH.name: SPEECH},
        floors={},
        config=CONFIG_VALUES,
        leader=ME,
        leads=True,
        residents=frozenset({SPEECH.name}),
    )


def _scaling(state: FleetState) -> Scaling:
    order = Order(("example",), number=2, reason="before the demo")
    aims = tuple(aims_of(order, state))
    steps = [s for aim in aims for s in planned_steps(aim, state.services[aim.service], state)]
    return Scaling("scale-5f0c9a1b2d3e", order, aims, tuple(steps), 0.0)


def _entry(state: FleetState) -> Entry:
    assessment = state.services[INFERENCE_SERVICE].assessment
    return Entry(
        "9b1d5e0c7a3f2468",
        MOMENT_S - 40.0,
        EntryKind.SCALE_UP,
        INFERENCE_SERVICE,
        INFERENCE_SERVICE,
        1,
        2,
        Cause.PANIC,
        "18.2 requests over the panic window, 8 are aimed at in each replica",
        "load",
        None,
        None,
        dict(assessment.inputs()),
    )


def _content(answer: BaseModel) -> dict[str, Any]:
    return {"content": {"application/json": {"example": answer.model_dump(mode="json")}}}


_STATE = _state()
_ENTRY = _entry(_STATE)
_OVERVIEW = Overview(ME, _STATE, "", {EntryKind.SCALE_UP: 1}, 3, _ENTRY)
_WHEN = timestamp(MOMENT_S)
_COLD_START = ColdStart(MOMENT_S - 35, INFERENCE_SERVICE, "inference-svc-2", "", 4.0)
_POINTS = [Point(MOMENT_S - 1, 1, 1, 3.1, 0), Point(MOMENT_S, 1, 1, 3.4, 0)]

STATS = _content(stats_answer(_OVERVIEW, MOMENT_S))
HEALTH = _content(health_answer(_OVERVIEW, MOMENT_S))
SCALE = _content(scale_answer(_scaling(_STATE), done=False, seconds=0.004))
HISTORY = _content(ScalingHistoryAnswer(timestamp=_WHEN, total=1, history=[decision_entry(_ENTRY)]))
METRICS = _content(
    AutoscalerMetricsAnswer(
        timestamp=_WHEN,
        window_seconds=300,
        counters=counters(_OVERVIEW),
        gauges={"inference_desired_replicas": 1.0, "inference_load": 3.4},
        time_series={INFERENCE_SERVICE: series_entry(_POINTS)},
        scaling_events=[decision_entry(_ENTRY)],
        cold_starts=[
            cold_start_entry(
                ColdStart(MOMENT_S - 35, INFERENCE_SERVICE, "inference-svc-2", "", 4.0)
            )
        ],
    )
)
CONFIG = _content(
    AutoscalerConfigAnswer(
        timestamp=_WHEN,
        config=CONFIG_VALUES.model_dump(),
        sources=dict.fromkeys(AutoscalerConfig.model_fields, "default"),
        changed=[],
    )
)
