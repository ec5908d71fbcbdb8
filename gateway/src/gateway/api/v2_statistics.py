"""KServe V2, Triton's statistics extension: what models were asked and how long that took.

Source: https://github.com/triton-inference-server/server, docs/protocol/extension_statistics.md.
"""

from typing import Any

from fastapi import APIRouter, Request

from fleetserve.usage import ModelUsage, Spent, Usage
from gateway.api.v2_schemas import V2Statistics as V2StatisticsAnswer
from gateway.v2_statistics import V2Statistics

v2_statistics_router = APIRouter(prefix="/v2/models", tags=["compatible"])
_NOTHING = Spent()


@v2_statistics_router.get(
    "/stats",
    response_model=V2StatisticsAnswer,
    summary="V2: what every loaded model was asked",
)
async def all_statistics(request: Request) -> dict[str, Any]:
    """Sums over all replicas since each loaded the model."""
    return _told(await _statistics(request).of_all())


@v2_statistics_router.get(
    "/{model}/stats", response_model=V2StatisticsAnswer, summary="V2: what a model was asked"
)
async def statistics(request: Request, model: str) -> dict[str, Any]:
    """Sums over all replicas since each loaded the model; all 0 where none has it."""
    return _told([await _statistics(request).of(model)])


@v2_statistics_router.get(
    "/{model}/versions/{version}/stats",
    response_model=V2StatisticsAnswer,
    summary="V2: what this version of a model was asked",
)
async def version_statistics(request: Request, model: str, version: str) -> dict[str, Any]:
    return _told([await _statistics(request).of(model, version)])


def _statistics(request: Request) -> V2Statistics:
    statistics: V2Statistics = request.app.state.v2_statistics
    return statistics


def _told(found: list[ModelUsage]) -> dict[str, Any]:
    return {"model_stats": [_model(one) for one in found]}


def _model(one: ModelUsage) -> dict[str, Any]:
    usage = one.usage
    return {
        "name": one.name,
        "version": one.revision,
        "last_inference": int(usage.last_s * 1000),
        "inference_count": usage.inputs,
        "execution_count": sum(spent.count for spent in usage.batches.values()),
        "inference_stats": _requests(usage),
        "response_stats": {},
        "batch_stats": [_batch(size, spent) for size, spent in sorted(usage.batches.items())],
        "memory_usage": [_memory(device, size) for device, size in sorted(one.memory.items())],
    }


def _requests(usage: Usage) -> dict[str, Any]:
    return {
        "success": _duration(usage.success),
        "fail": _duration(usage.fail),
        "queue": _duration(usage.queue),
        "compute_input": _duration(usage.prepare),
        "compute_infer": _duration(usage.compute),
        "compute_output": _duration(usage.encode),
        # There is no cache of answers.
        "cache_hit": _duration(_NOTHING),
        "cache_miss": _duration(_NOTHING),
    }


def _batch(size: int, spent: Spent) -> dict[str, Any]:
    """Inputs are prepared and results encoded per request, outside of batches."""
    return {
        "batch_size": size,
        "compute_input": _duration(_NOTHING),
        "compute_infer": _duration(spent),
        "compute_output": _duration(_NOTHING),
    }


def _duration(spent: Spent) -> dict[str, int]:
    return {"count": spent.count, "ns": int(spent.seconds * 1e9)}


def _memory(device: str, size: int) -> dict[str, Any]:
    kind, _, number = device.partition(":")
    return {
        "type": "GPU" if kind == "cuda" else kind.upper(),
        "id": int(number or 0),
        "byte_size": size,
    }
