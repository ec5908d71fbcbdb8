"""Which GPU is the best for a model. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpu_svc.assessment import Assessed
from gpu_svc.estimate import Fit, Precision, estimate_fit

MEMORY_POINTS, IDLE_POINTS, GENERATION_POINTS, PRECISION_POINTS = 50.0, 20.0, 20.0, 10.0
# The newest generation known, at which the points for it are full.
NEWEST_MAJOR = 10


@dataclass(frozen=True, slots=True)
class Need:
    """What is looked for; model_mb is the weights' size in float32, None: any model."""

    model_mb: float | None = None
    precision: Precision = Precision.FP32


@dataclass(frozen=True, slots=True)
class Candidate:
    """A GPU with its marks; fit is None when no model was named."""

    assessed: Assessed
    score: float
    fit: Fit | None
    reason: str

    @property
    def eligible(self) -> bool:
        return self.assessed.suitable and (self.fit is None or self.fit.fits)


def rank(gpus: Sequence[Assessed], need: Need) -> list[Candidate]:
    """All GPUs, the best first; those that can't be used come last and have no points.

    The score is 0 to 100: up to 50 for memory left free, 20 for idleness, 20 for the generation,
    10 when the precision is computed natively. Equal scores keep the bus order.
    """
    most_mb = max((each.gpu.memory_mb for each in gpus), default=0.0)
    candidates = [_candidate(each, need, most_mb) for each in gpus]
    return sorted(candidates, key=lambda each: (not each.eligible, -each.score))


def _candidate(assessed: Assessed, need: Need, most_mb: float) -> Candidate:
    gpu = assessed.gpu
    fit = None
    if need.model_mb is not None:
        fit = estimate_fit(need.model_mb, need.precision, gpu.available_memory_mb)
    if not assessed.suitable:
        return Candidate(assessed, 0.0, fit, f"{gpu.name} is not suitable: {assessed.why}")
    if fit is not None and not fit.fits:
        reason = (
            f"{gpu.name} is too small: {fit.needed_mb:.0f} MiB are needed and "
            f"{fit.usable_mb:.0f} of {gpu.available_memory_mb:.0f} MiB free are usable"
        )
        return Candidate(assessed, 0.0, fit, reason)
    left_mb = gpu.available_memory_mb - (fit.needed_mb if fit else 0.0)
    points = (
        MEMORY_POINTS * max(0.0, left_mb) / most_mb if most_mb else 0.0,
        IDLE_POINTS * (1 - (gpu.utilization or 0.0) / 100),
        GENERATION_POINTS * min(_generation(gpu.compute_capability), 1.0),
        PRECISION_POINTS if need.precision in assessed.native_precisions else 0.0,
    )
    return Candidate(assessed, round(sum(points), 1), fit, _reason(assessed, need, fit))


def _generation(version: tuple[int, int]) -> float:
    return (version[0] + version[1] / 10) / NEWEST_MAJOR


def _reason(assessed: Assessed, need: Need, fit: Fit | None) -> str:
    gpu = assessed.gpu
    busy = "" if gpu.utilization is None else f", {gpu.utilization:.0f} % busy"
    free = f"{gpu.available_memory_mb:.0f} of {gpu.memory_mb:.0f} MiB free{busy}"
    if fit is None:
        return f"{gpu.name} ({gpu.architecture}): {free}"
    native = "native" if need.precision in assessed.native_precisions else "not native"
    return (
        f"{gpu.name} ({gpu.architecture}): {free}; the model needs {fit.needed_mb:.0f} MiB in "
        f"{need.precision} ({native}) and leaves room for batches of {fit.max_batch}"
    )
