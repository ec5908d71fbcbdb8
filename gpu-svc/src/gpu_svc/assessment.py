"""A GPU together with what it is good for here. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpu_svc.capability import Capability, capability_of
from gpu_svc.cuda_names import cuda_ordinals
from gpu_svc.hardware import Gpu
from gpu_svc.torch_builds import Support, TorchBuild, support_for

# Below this not even a small speech model fits beside the CUDA context.
LEAST_MEMORY_MB = 2000.0


@dataclass(frozen=True, slots=True)
class Assessed:
    """One GPU judged.

    Attributes:
        pytorch_device: What torch calls it in this fleet ("cuda:0"), None where CUDA hides it.
        suitable: Models can run on it; why says what is in the way when not.
    """

    gpu: Gpu
    capability: Capability
    support: Support
    pytorch_device: str | None
    suitable: bool
    why: str

    @property
    def native_precisions(self) -> tuple[str, ...]:
        return self.capability.recommended_precisions


def assess(
    gpus: Sequence[Gpu], builds: Sequence[TorchBuild], visible: str | None
) -> tuple[Assessed, ...]:
    """Judge all GPUs.

    Args:
        gpus: As found, in the order of the bus.
        builds: Every torch that is known of; without one a GPU counts as suitable.
        visible: CUDA_VISIBLE_DEVICES, None when it is not set.
    """
    ordinals = cuda_ordinals(gpus, visible)
    return tuple(_assess(gpu, builds, ordinals.get(gpu.index)) for gpu in gpus)


def _assess(gpu: Gpu, builds: Sequence[TorchBuild], ordinal: int | None) -> Assessed:
    support = support_for(gpu.compute_capability, builds)
    obstacles = (
        (support.supported is False, support.detail),
        (ordinal is None, "CUDA_VISIBLE_DEVICES hides it"),
        (gpu.mig_enabled is True, "MIG is on: name one of its instances in CUDA_VISIBLE_DEVICES"),
        (gpu.memory_mb == 0, "its driver does not tell its memory"),
        (0 < gpu.memory_mb < LEAST_MEMORY_MB, f"it has less than {LEAST_MEMORY_MB:.0f} MiB"),
    )
    why = "; ".join(text for stands, text in obstacles if stands)
    return Assessed(
        gpu=gpu,
        capability=capability_of(gpu.compute_capability, gpu.name),
        support=support,
        pytorch_device=None if ordinal is None else f"cuda:{ordinal}",
        suitable=not why,
        why=why,
    )
