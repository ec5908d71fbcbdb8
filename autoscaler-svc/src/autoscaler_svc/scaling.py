"""What somebody's call to scale means: pure, up to the floors that it sets."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from autoscaler_svc.fleet_state import FleetState, ServiceState
from autoscaler_svc.intents.base import SERVICE_PREFIX
from autoscaler_svc.model_ledger import BUILT_IN, service_of
from fleetserve.errors import ConflictError, InvalidFieldError, ModelNotFoundError
from fleetserve.model_records import ModelState, canonical_name
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE

SERVICES = (INFERENCE_SERVICE, AUDIO_SERVICE)


class ScaleAction(StrEnum):
    SCALE_UP = "scale_up"
    SCALE_DOWN = "scale_down"
    ZERO_SCALE = "zero_scale"
    LOAD_MODEL = "load_model"
    UNLOAD_MODEL = "unload_model"


_ON_MODELS = (ScaleAction.LOAD_MODEL, ScaleAction.UNLOAD_MODEL)


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for, in either of the two styles.

    Attributes:
        models: Names as the caller wrote them; empty: a service's replicas.
        service: The one whose replicas are meant where no model is named.
        number: Instances, or replicas; None: one more or one less.
        action: None: exactly ``number``.
    """

    models: tuple[str, ...] = ()
    service: str | None = None
    number: int | None = None
    action: ScaleAction | None = None
    reason: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Aim:
    """So many instances of one target.

    Attributes:
        target: A model's name, or SERVICE_PREFIX and a service.
        label: The model's or service's name as it is told.
        previous: Instances that are ready now.
        wanted: Before any limit.
        instances: After it.
    """

    target: str
    label: str
    service: str
    previous: int
    wanted: int
    instances: int
    limited_by: str | None = None

    @property
    def is_service(self) -> bool:
        return self.target.startswith(SERVICE_PREFIX)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    action: str
    service: str
    count: int
    model: str | None = None
    detail: str = ""


def aims_of(order: Order, state: FleetState) -> list[Aim]:
    """What is aimed at, before any limit.

    Raises: ModelNotFoundError; InvalidFieldError: a field is missing or contradicts another;
    ConflictError: the model can't be had.
    """
    if order.models:
        return [_of_model(name, order, state) for name in dict.fromkeys(order.models)]
    if order.action in _ON_MODELS:
        raise InvalidFieldError("models", f"{order.action} wants the models to be named")
    if order.action is None and order.service is None:
        raise InvalidFieldError("model_name", "a model, a service or an action is wanted")
    if order.service is not None and order.service not in SERVICES:
        raise InvalidFieldError("service", f"one of {', '.join(SERVICES)}")
    if order.service is None and order.action is ScaleAction.ZERO_SCALE:
        return [_of_service(service, order, state) for service in SERVICES]
    return [_of_service(order.service or INFERENCE_SERVICE, order, state)]


def limited(aim: Aim, most: tuple[int, str], minimum: int, *, force: bool) -> Aim:
    """The aim within the bounds, and which of them cut it. None at all is always allowed."""
    if force or aim.wanted == 0:
        return aim
    if aim.wanted > most[0]:
        # What is there already is not taken away by a bound on growing.
        number = max(most[0], min(aim.previous, aim.wanted))
        return dataclasses.replace(aim, instances=number, limited_by=most[1])
    if aim.is_service and aim.wanted < minimum:
        return dataclasses.replace(aim, instances=minimum, limited_by="min_replicas")
    return aim


def planned_steps(aim: Aim, service: ServiceState, state: FleetState) -> list[PlannedStep]:
    """What will be done for it, as far as can be said now."""
    steps: list[PlannedStep] = []
    missing = aim.instances - service.live
    if missing > 0:
        steps.append(PlannedStep("start_replica", aim.service, missing))
    if aim.is_service:
        if missing < 0:
            steps.append(PlannedStep("stop_replica", aim.service, -missing))
        return steps
    record = state.records.get(aim.target)
    if record is not None and record.state is ModelState.DOWNLOADING:
        detail = f"{record.progress:.0%} so far"
        steps.append(PlannedStep("wait_for_download", aim.service, 1, aim.label, detail))
    have = service.instances(aim.target, ready=False)
    if aim.instances > have:
        steps.append(PlannedStep("load_model", aim.service, aim.instances - have, aim.label))
    elif aim.instances < have:
        steps.append(PlannedStep("unload_model", aim.service, have - aim.instances, aim.label))
    return steps


def is_reached(aim: Aim, state: FleetState) -> bool:
    """Whether it is so now, given that it has been taken into account."""
    service = state.services[aim.service]
    if aim.is_service:
        return service.settled and service.ready >= aim.instances
    there = service.instances(aim.target, ready=False)
    if aim.instances < aim.previous or aim.instances == 0:
        return there <= aim.instances
    return service.settled and service.instances(aim.target) >= aim.instances


def is_woken(aim: Aim, state: FleetState) -> bool:
    """None were wanted, and a request has come since."""
    return aim.instances == 0 and aim.is_service and state.services[aim.service].desired > 0


def _of_model(name: str, order: Order, state: FleetState) -> Aim:
    known = _spelt(name, state)
    service = service_of(known, state.records)
    if service is None:
        raise ModelNotFoundError(name)
    if known in BUILT_IN:
        if order.action is ScaleAction.UNLOAD_MODEL:
            raise ConflictError(
                f"{known} is built in: it is on every replica. zero_scale stops the replicas.",
                code="model_built_in",
            )
        return _aim(f"{SERVICE_PREFIX}{service}", known, service, order, state, None)
    if state.records[known].state is ModelState.FAILED and order.number != 0:
        raise ConflictError(
            f"The download of {known} failed: {state.records[known].message} "
            "POST /models/download tries again.",
            code="model_not_ready",
        )
    aim = _aim(known, known, service, order, state, known)
    if aim.instances == 0 and known in state.pinned:
        raise ConflictError(
            f"{known} is pinned, so one instance stays. POST /models/manage with action=unpin "
            "lets it go.",
            code="model_pinned",
        )
    return aim


def _of_service(service: str, order: Order, state: FleetState) -> Aim:
    return _aim(f"{SERVICE_PREFIX}{service}", service, service, order, state, None)


def _aim(
    target: str, label: str, service: str, order: Order, state: FleetState, model: str | None
) -> Aim:
    of = state.services[service]
    ready = of.instances(model) if model is not None else of.ready
    there = of.instances(model, ready=False) if model is not None else of.live
    number = _number(order, there)
    return Aim(target, label, service, ready, number, number)


def _number(order: Order, there: int) -> int:
    """The number that an action means; up never takes away, down never adds."""
    match order.action:
        case ScaleAction.SCALE_UP:
            return max(there, order.number if order.number is not None else there + 1)
        case ScaleAction.SCALE_DOWN:
            return min(there, order.number if order.number is not None else max(0, there - 1))
        case ScaleAction.ZERO_SCALE | ScaleAction.UNLOAD_MODEL:
            return 0
        case ScaleAction.LOAD_MODEL:
            return max(1, there, order.number or 0)
        case None:
            if order.number is None:
                raise InvalidFieldError("target_instances", "a number from 0 to 10 is wanted")
            return order.number


def _spelt(name: str, state: FleetState) -> str:
    """As the registry spells it; ``_`` and ``-`` are one."""
    known = state.known_models()
    if name in known:
        return name
    canonical = canonical_name(name)
    return next((k for k in sorted(known) if canonical_name(k) == canonical), name)
