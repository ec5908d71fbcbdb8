"""/server/optimize: makes models faster by measurement, and undoes it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from fleetserve.audit_log import AuditLog
from gateway.api.optimize_schemas import (
    MeasurementRow,
    ModelOptimization,
    OptimizationAnswer,
    OptimizeAnswer,
    OptimizeRequest,
    UndoneAnswer,
)
from gateway.entrance import principal_name
from gateway.optimizing import FINISHED, FleetOptimizer, ModelReport, measurements_of

MB = 1_000_000
optimize_router = APIRouter(prefix="/server/optimize", tags=["server"])


@optimize_router.post(
    "",
    summary="Make models faster, by measurement",
    responses={202: {"model": OptimizeAnswer, "description": "It goes on."}},
)
async def optimize(request: Request, body: OptimizeRequest, response: Response) -> OptimizeAnswer:
    """Tries candidates on held samples while requests are served on.

    The fastest whose results stay within tolerance is kept for this kind of hardware, and every
    replica of the model switches over. It goes on when the caller leaves.
    """
    wish = {"candidates": body.candidates, "tolerance": body.tolerance.model_dump()}
    wait_s = body.timeout if body.wait else 0.0
    reports = await _optimizer(request).optimize(body.model_name, wish, wait_s)
    _note(request, "model.optimized", models=[report.name for report in reports])
    going_on = [r for r in reports if r.state not in FINISHED | {"skipped"}]
    if going_on:
        response.status_code = 202
        response.headers["Location"] = _url(going_on[0].name)
    return _answer(reports, going_on=bool(going_on))


@optimize_router.get("/{model}", summary="How far an optimisation is, and what is kept")
async def optimization(request: Request, model: str) -> OptimizationAnswer:
    """The latest run that a replica knows of; ``tunings`` outlive restarts."""
    report, tunings = await _optimizer(request).status(model)
    return OptimizationAnswer(
        model=report.name,
        status=report.state,
        step=_step(report),
        measurements=[MeasurementRow.model_validate(row) for row in measurements_of([report])],
        replicas=report.replicas,
        tunings=tunings,
    )


@optimize_router.delete("/{model}", summary="Back to float32 on every replica")
async def undo(request: Request, model: str) -> UndoneAnswer:
    """Stops an optimisation that goes on and forgets every decision for this model."""
    report, removed = await _optimizer(request).undo(model)
    _note(request, "optimization.undone", models=[report.name])
    return UndoneAnswer(
        message=f"{report.name} runs as it was downloaded on {len(report.replicas)} replicas.",
        model=report.name,
        removed=removed,
        replicas=report.replicas,
    )


def _optimizer(request: Request) -> FleetOptimizer:
    optimizer: FleetOptimizer = request.app.state.optimizer
    return optimizer


def _note(request: Request, act: str, **details: Any) -> None:
    audit: AuditLog = request.app.state.audit
    audit.write(
        act,
        principal=principal_name(request.scope),
        request_id=request.scope["fleet.request_id"],
        **details,
    )


def _answer(reports: Sequence[ModelReport], *, going_on: bool) -> OptimizeAnswer:
    runs = [(report.name, run) for report in reports for run in report.runs.values()]
    done = [(name, run) for name, run in runs if run["state"] == "done"]
    better = {name for name, run in done if run["applied"]}
    freed = sum(run["memory_freed_bytes"] for _, run in done)
    applied = [f"{name}: {what}" for name, run in done for what in run["applied"]]
    return OptimizeAnswer(
        status="measuring" if going_on else "done",
        message=_message(reports, better, going_on=going_on),
        memory_freed_mb=round(freed / MB, 3),
        models_optimized=len(better),
        optimizations_applied=list(dict.fromkeys(applied)),
        measurements=[MeasurementRow.model_validate(row) for row in measurements_of(reports)],
        models={report.name: _model(report) for report in reports},
    )


def _message(reports: Sequence[ModelReport], better: set[str], *, going_on: bool) -> str:
    if going_on:
        return "It is being measured; GET the status_url of a model to see how far it is."
    if better:
        return f"{', '.join(sorted(better))} runs faster now; DELETE undoes it."
    if not reports:
        return "No model is loaded."
    return "Nothing was found that is faster and exact enough; everything stays as it was."


def _model(report: ModelReport) -> ModelOptimization:
    runs = list(report.runs.values())
    return ModelOptimization(
        status=report.state,
        step=_step(report),
        applied=list(dict.fromkeys(what for run in runs for what in run["applied"])),
        speedup=max((run["speedup"] for run in runs if run["speedup"]), default=None),
        samples=max((run["samples"] for run in runs), default=0),
        replicas=report.replicas,
        skipped=report.skipped,
        error=report.error,
        status_url=_url(report.name),
    )


def _step(report: ModelReport) -> str:
    runs = report.runs.values()
    return next((run["step"] for run in runs if run["state"] not in FINISHED), "")


def _url(name: str) -> str:
    return f"/server/optimize/{quote(name, safe='')}"
