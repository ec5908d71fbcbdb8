"""What CUDA, and so torch, calls the GPUs that NVML numbers by the PCI bus."""

from collections.abc import Sequence

from gpu_svc.hardware import Gpu


def cuda_ordinals(gpus: Sequence[Gpu], visible: str | None) -> dict[int, int]:
    """NVML index → N of cuda:N, for the GPUs that CUDA shows; the hidden ones are left out.

    Args:
        gpus: As found, in the order of the bus.
        visible: CUDA_VISIBLE_DEVICES as the replicas have it: None shows all; else indices or the
            beginnings of UUIDs, in CUDA's order, up to the first that names none. Replicas number
            by the bus (CUDA_DEVICE_ORDER=PCI_BUS_ID), else indices mean other GPUs.
    """
    if visible is None:
        return {gpu.index: place for place, gpu in enumerate(gpus)}
    shown: dict[int, int] = {}
    for entry in visible.split(","):
        index = _find(gpus, entry.strip())
        if index is None or index in shown:
            break
        shown[index] = len(shown)
    return shown


def _find(gpus: Sequence[Gpu], entry: str) -> int | None:
    if entry.isdigit():
        return next((gpu.index for gpu in gpus if gpu.index == int(entry)), None)
    named = [gpu.index for gpu in gpus if entry and gpu.uuid.startswith(entry)]
    return named[0] if len(named) == 1 else None
