"""/autoscaler/stats, health, metrics, history and scale."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError

from autoscaler_svc.api import examples
from autoscaler_svc.api.answers import (
    AutoscalerHealthAnswer,
    AutoscalerMetricsAnswer,
    AutoscalerStatsAnswer,
    ScaleAnswer,
    ScalingHistoryAnswer,
)
from autoscaler_svc.api.rendering import (
    cold_start_entry,
    decision_entry,
    scale_answer,
    series_entry,
    timestamp,
)
from autoscaler_svc.api.requests import MOST, ScaleRequest
from autoscaler_svc.api.summary import counters, health_answer, stats_answer
from autoscaler_svc.journal.base import KEPT
from autoscaler_svc.scaling import ScaleAction
from autoscaler_svc.series import KEPT_S
from autoscaler_svc.services import AutoscalerServices
from fleetserve.app import describe_invalid, runtime_of
from fleetserve.errors import InvalidFieldError

router = APIRouter(prefix="/autoscaler", tags=["autoscaler"])


async def services_of(request: Request) -> AutoscalerServices:
    """The parts of this app; a FastAPI dependency."""
    services: AutoscalerServices = request.app.state.services
    return services


Services = Annotated[AutoscalerServices, Depends(services_of)]
QueryNumber = Annotated[int | None, Query(ge=0, le=MOST)]


@router.get(
    "/stats",
    summary="How many replicas there are, are wanted, and why",
    response_model=AutoscalerStatsAnswer,
    responses={200: examples.STATS},
)
async def stats(request: Request, services: Services) -> AutoscalerStatsAnswer:
    """Every kind of replica and every model as they are now."""
    return stats_answer(services.overview(), runtime_of(request).clock.now_s())


@router.get(
    "/health",
    summary="Whether the autoscaler can do its work",
    response_model=AutoscalerHealthAnswer,
    responses={
        200: examples.HEALTH,
        503: {"model": AutoscalerHealthAnswer, "description": "It can't scale now, and why."},
    },
)
async def health(
    request: Request, services: Services, response: Response
) -> AutoscalerHealthAnswer:
    """Its parts: the loop, Redis, the engine, the leadership. What runs goes on without it."""
    answer = health_answer(services.overview(), runtime_of(request).clock.now_s())
    response.status_code = 200 if answer.healthy else 503
    return answer


@router.get(
    "/metrics",
    summary="What was measured over a window",
    response_model=AutoscalerMetricsAnswer,
    responses={200: examples.METRICS},
)
async def metrics(
    request: Request,
    services: Services,
    window_seconds: Annotated[
        int, Query(ge=1, le=int(KEPT_S), description="Length of the window.")
    ] = 300,
) -> AutoscalerMetricsAnswer:
    """Counters since this process started, gauges now, and the window's series and events."""
    now_s = runtime_of(request).clock.now_s()
    since_s = now_s - window_seconds
    events = await services.chronicle.read(KEPT)
    return AutoscalerMetricsAnswer(
        timestamp=timestamp(now_s),
        window_seconds=window_seconds,
        counters=counters(services.overview()),
        gauges=dict(services.metrics.gauges),
        time_series={n: series_entry(p) for n, p in services.series.since(since_s).items()},
        scaling_events=[decision_entry(e) for e in events if e.at_s >= since_s],
        cold_starts=[
            cold_start_entry(s) for s in services.scaler.cold_starts.seen if s.at_s >= since_s
        ],
    )


@router.get(
    "/history",
    summary="The decisions that were made",
    response_model=ScalingHistoryAnswer,
    responses={200: examples.HISTORY},
)
async def history(
    request: Request,
    services: Services,
    limit: Annotated[int, Query(ge=1, le=KEPT, description="At most so many.")] = 100,
    service: Annotated[str | None, Query(description="Only of this one.")] = None,
) -> ScalingHistoryAnswer:
    """The newest first, each with its reason and the figures that it was made from."""
    entries = await services.chronicle.read(KEPT)
    found = [e for e in entries if service in (None, e.service)]
    return ScalingHistoryAnswer(
        timestamp=timestamp(runtime_of(request).clock.now_s()),
        total=len(found),
        history=[decision_entry(entry) for entry in found[:limit]],
    )


@router.post(
    "/scale",
    summary="Ask for a number of instances",
    response_model=ScaleAnswer,
    status_code=202,
    responses={
        200: {"model": ScaleAnswer, "description": "It is so; with wait=true."},
        202: examples.SCALE,
        404: {"description": "No such model."},
        409: {"description": "The model can't be had, or another number was asked for."},
        503: {"description": "Nothing can be scaled now, and why."},
        504: {"description": "With wait=true: it is not so yet, and goes on."},
    },
)
async def scale(
    services: Services,
    response: Response,
    body: ScaleRequest | None = None,
    model_name: Annotated[str | None, Query(min_length=1, examples=["example"])] = None,
    target_instances: QueryNumber = None,
    action: ScaleAction | None = None,
    target_replicas: QueryNumber = None,
    models: Annotated[list[str] | None, Query()] = None,
    service: str | None = None,
    reason: Annotated[str, Query(max_length=500)] = "",
    *,
    force: bool = False,
    wait: bool = False,
) -> ScaleAnswer:
    """By JSON or by the query; an instance is the model on a replica.

    Replicas are started or stopped as the number needs. It holds as the least there is until
    another number is asked for or the fleet is stopped; load may raise it meanwhile. With 0 there
    are none until the next request for it.
    """
    asked = _merged(
        body,
        model_name=model_name,
        target_instances=target_instances,
        action=action,
        target_replicas=target_replicas,
        models=models,
        service=service,
        reason=reason or None,
        force=force or None,
        wait=wait or None,
    )
    scaling = await services.manual.scale(asked.order())
    if asked.wait:
        await services.manual.wait(scaling)
        response.status_code = 200
    return scale_answer(scaling, done=asked.wait, seconds=services.manual.took_s(scaling))


def _merged(body: ScaleRequest | None, **query: object) -> ScaleRequest:
    """One request of both; the body wins."""
    values = {name: value for name, value in query.items() if value is not None}
    if body is not None:
        values |= body.model_dump(exclude_unset=True)
    try:
        return ScaleRequest.model_validate(values)
    except ValidationError as exc:
        raise InvalidFieldError(*describe_invalid(exc.errors()[0])) from None
