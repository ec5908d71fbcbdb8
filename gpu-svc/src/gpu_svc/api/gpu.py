"""GET /gpu/detect, /gpu/best, /gpu/config and /gpu/report."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from fleetserve.devices import DeviceNotAvailableError
from gpu_svc.api import examples
from gpu_svc.api.answers import (
    GpuBestAnswer,
    GpuConfigAnswer,
    GpuDetectAnswer,
    GpuReportAnswer,
)
from gpu_svc.api.rendering import best_answer, config_answer, detect_answer, timestamp_of
from gpu_svc.api.report import html_report, text_report
from gpu_svc.device_service import DeviceService
from gpu_svc.estimate import Precision
from gpu_svc.ranking import Need

gpu_router = APIRouter(prefix="/gpu", tags=["gpu"])


class ReportFormat(StrEnum):
    JSON = "json"
    TEXT = "text"
    HTML = "html"


async def device_service(request: Request) -> DeviceService:
    """The service of this app; a FastAPI dependency."""
    service: DeviceService = request.app.state.devices
    return service


Devices = Annotated[DeviceService, Depends(device_service)]


@gpu_router.get(
    "/detect",
    summary="What devices there are",
    response_model=GpuDetectAnswer,
    responses={200: examples.DETECT},
)
async def detect(
    devices: Devices,
    include_benchmarks: Annotated[
        bool,
        Query(description="Also measure how fast each device copies memory (0.2 s per device)."),
    ] = False,
) -> GpuDetectAnswer:
    """All GPUs, the CPU and MPS as they are now.

    A machine without a GPU answers 200 with empty lists, and `notes` says why there is none.
    """
    measured = await devices.measure() if include_benchmarks else None
    return detect_answer(await devices.look(), measured)


@gpu_router.get(
    "/best",
    summary="The best GPU for a model",
    response_model=GpuBestAnswer,
    responses={200: examples.BEST},
)
async def best(
    devices: Devices,
    model_name: Annotated[
        str | None, Query(description="A model of GET /models; its files' size is counted with.")
    ] = None,
    model_size_mb: Annotated[
        float | None,
        Query(gt=0, description="The weights' size as float32, in MiB.", examples=[420]),
    ] = None,
    precision: Annotated[
        Precision, Query(description="What the weights would be loaded as.", examples=["fp16"])
    ] = Precision.FP32,
) -> GpuBestAnswer:
    """The GPU with the best score and how large a batch it could take, by estimate.

    `best_gpu` is null where no GPU can take the model; `reason` and `ranking` say why.
    """
    need = await devices.size_need(Need(model_size_mb, precision), model_name)
    return best_answer(await devices.look(), need)


@gpu_router.get(
    "/config",
    summary="The device in use and what to set for it",
    response_model=GpuConfigAnswer,
    responses={200: examples.CONFIG, 503: {"description": "DEVICE names one that is not there."}},
)
async def config(devices: Devices) -> GpuConfigAnswer:
    """What DEVICE picks on this machine, with settings that are worth using and the reasons.

    A DEVICE that is not there is a 503 that says what is; nothing else is taken in its place.
    """
    return config_answer(await devices.look(), await devices.plan(), devices.requested_device)


@gpu_router.get(
    "/report",
    summary="Everything about the devices, for reading",
    response_model=GpuReportAnswer,
    responses={200: {"content": {"text/plain": {}, "text/html": {}}}},
)
async def report(
    devices: Devices,
    report_format: Annotated[
        ReportFormat, Query(alias="format", description="json, text or html.", examples=["text"])
    ] = ReportFormat.JSON,
    include_benchmarks: Annotated[bool, Query(description="As in /gpu/detect.")] = False,
) -> Response:
    """Devices, the best GPU and the device in use, in one document."""
    found = await _report(devices, include_benchmarks=include_benchmarks)
    if report_format is ReportFormat.TEXT:
        return PlainTextResponse(text_report(found))
    if report_format is ReportFormat.HTML:
        return HTMLResponse(html_report(found))
    return JSONResponse(found.model_dump(mode="json"))


async def _report(devices: DeviceService, *, include_benchmarks: bool) -> GpuReportAnswer:
    measured = await devices.measure() if include_benchmarks else None
    look = await devices.look()
    planned, problem = None, ""
    try:
        planned = config_answer(look, await devices.plan(), devices.requested_device)
    except DeviceNotAvailableError as error:
        problem = error.detail
    return GpuReportAnswer(
        timestamp=timestamp_of(look),
        detect=detect_answer(look, measured),
        best=best_answer(look, Need()),
        config=planned,
        config_problem=problem,
    )
