"""From the domain's values to the answers."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from gpu_svc.advice import DevicePlan
from gpu_svc.api.answers import (
    BenchmarkEntry,
    CpuEntry,
    GpuBestAnswer,
    GpuComputeCapability,
    GpuConfigAnswer,
    GpuDetectAnswer,
    GpuDeviceConfig,
    GpuEntry,
    GpuFit,
    GpuMemoryRecommendations,
    GpuProcessEntry,
    GpuRankEntry,
    GpuRecommendation,
    MpsEntry,
)
from gpu_svc.assessment import Assessed
from gpu_svc.benchmark.base import Measurement
from gpu_svc.device_service import Look
from gpu_svc.estimate import PROCESS_MB, Fit, Precision, estimate_fit
from gpu_svc.hardware import Mps
from gpu_svc.ranking import Candidate, Need, rank


def timestamp_of(look: Look) -> str:
    return datetime.fromtimestamp(look.taken_s, UTC).isoformat()


def detect_answer(look: Look, measured: Sequence[Measurement] | None) -> GpuDetectAnswer:
    hardware = look.hardware
    mps = hardware.mps or Mps(available=False, reason="It was not looked for")
    return GpuDetectAnswer(
        timestamp=timestamp_of(look),
        gpus=[gpu_entry(each) for each in look.gpus],
        total_gpus=len(look.gpus),
        suitable_gpus=sum(each.suitable for each in look.gpus),
        cpu=CpuEntry.model_validate(asdict(hardware.cpu)) if hardware.cpu else None,
        mps=MpsEntry.model_validate(asdict(mps)),
        notes=list(look.notes),
        benchmarks=None if measured is None else [BenchmarkEntry(**asdict(m)) for m in measured],
    )


def gpu_entry(assessed: Assessed) -> GpuEntry:
    gpu, can = assessed.gpu, assessed.capability
    capability = GpuComputeCapability(version=f"{can.major}.{can.minor}", **asdict(can))
    return GpuEntry(
        id=gpu.index,
        name=gpu.name,
        uuid=gpu.uuid,
        architecture=gpu.architecture,
        memory_mb=gpu.memory_mb,
        available_memory_mb=gpu.available_memory_mb,
        utilization=gpu.utilization,
        temperature_c=gpu.temperature_c,
        power_w=gpu.power_w,
        power_limit_w=gpu.power_limit_w,
        driver=gpu.driver,
        compute_capability=capability,
        pytorch_device=assessed.pytorch_device,
        pytorch_support=assessed.support.supported,
        pytorch_detail=assessed.support.detail,
        mig_enabled=gpu.mig_enabled,
        suitable_for_inference=assessed.suitable,
        unsuitable_reason=assessed.why,
        recommended_precisions=[Precision(name) for name in assessed.native_precisions],
        processes=[GpuProcessEntry(**asdict(process)) for process in gpu.processes],
    )


def best_answer(look: Look, need: Need) -> GpuBestAnswer:
    ranking = rank(look.gpus, need)
    best = next((candidate for candidate in ranking if candidate.eligible), None)
    return GpuBestAnswer(
        timestamp=timestamp_of(look),
        best_gpu=gpu_entry(best.assessed) if best else None,
        score=best.score if best else 0.0,
        reason=best.reason if best else _no_gpu_reason(look, ranking),
        estimated_max_batch_size=_batch(best, need),
        fits=None if need.model_mb is None else best is not None,
        precision=need.precision,
        model_size_mb=None if need.model_mb is None else round(need.model_mb, 1),
        fit=_fit(best.fit) if best and best.fit else None,
        cpu_fit=_cpu_fit(look, need),
        ranking=[_rank_entry(candidate) for candidate in ranking],
    )


def config_answer(look: Look, plan: DevicePlan, requested: str) -> GpuConfigAnswer:
    kind, _, number = plan.pytorch_device.partition(":")
    return GpuConfigAnswer(
        timestamp=timestamp_of(look),
        requested_device=requested,
        pytorch_device=plan.pytorch_device,
        device_config=GpuDeviceConfig.model_validate(
            {
                "device_type": kind,
                "device_id": int(number) if number else None,
                **{f"use_{advice.setting}": advice.use for advice in plan.settings},
            }
        ),
        memory_recommendations=GpuMemoryRecommendations.model_validate(asdict(plan.memory)),
        optimization_recommendations=[
            GpuRecommendation(
                optimization=advice.setting, recommended=advice.use, reason=advice.reason
            )
            for advice in plan.settings
        ],
    )


def _no_gpu_reason(look: Look, ranking: Sequence[Candidate]) -> str:
    if ranking:
        return "No GPU can take it: " + "; ".join(candidate.reason for candidate in ranking)
    return "There is no GPU: " + ("; ".join(look.hardware.notes) or "none was found")


def _batch(best: Candidate | None, need: Need) -> int | None:
    if need.model_mb is None:
        return None
    return best.fit.max_batch if best and best.fit else 0


def _cpu_fit(look: Look, need: Need) -> GpuFit | None:
    cpu = look.hardware.cpu
    if need.model_mb is None or cpu is None or cpu.available_memory_mb is None:
        return None
    free_mb = cpu.available_memory_mb
    return _fit(estimate_fit(need.model_mb, need.precision, free_mb, overhead_mb=PROCESS_MB))


def _fit(fit: Fit) -> GpuFit:
    return GpuFit(
        fits=fit.fits,
        weights_mb=fit.weights_mb,
        needed_mb=fit.needed_mb,
        usable_mb=fit.usable_mb,
        estimated_max_batch_size=fit.max_batch,
    )


def _rank_entry(candidate: Candidate) -> GpuRankEntry:
    gpu = candidate.assessed.gpu
    return GpuRankEntry(
        id=gpu.index,
        name=gpu.name,
        score=candidate.score,
        eligible=candidate.eligible,
        reason=candidate.reason,
    )
