"""How much of a model fits: an estimate from sizes, before anything is loaded. Pure.

The batch that is really used is learned by the batcher; this says whether it is worth trying.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import floor

# A CUDA context with torch's kernels loaded: 300 to 600 MB by GPU generation.
CONTEXT_MB = 600.0
# The interpreter with torch and transformers imported, on the CPU.
PROCESS_MB = 400.0
# Room that the allocator's fragments and other processes' growth may take.
RESERVE_SHARE = 0.1
# Memory of one more item in a batch, as a share of the weights in the same precision. Counted from
# shapes: BERT-base at 512 tokens 10 %, Whisper large with its caches 11 %, a 7B decoder's cache at
# 2000 tokens 7 %.
ITEM_SHARE = 0.1
LEAST_ITEM_MB = 8.0
LARGEST_BATCH = 1024


class Precision(StrEnum):
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"
    FP8 = "fp8"
    INT8 = "int8"


BYTES = {
    Precision.FP32: 4, Precision.BF16: 2, Precision.FP16: 2, Precision.FP8: 1, Precision.INT8: 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a model fits, and how.

    Attributes:
        needed_mb: Weights, context and one item.
        usable_mb: Free memory without the reserve.
        max_batch: Items at once, 0 when it does not fit, at most LARGEST_BATCH.
    """

    fits: bool
    weights_mb: float
    needed_mb: float
    usable_mb: float
    max_batch: int


def estimate_fit(
    model_mb: float, precision: Precision, free_mb: float, *, overhead_mb: float = CONTEXT_MB
) -> Fit:
    """Estimate from the size of the weights as float32.

    Args:
        model_mb: Size of the weights in float32, in MiB.
        precision: What the weights are loaded as.
        free_mb: Memory free now, in MiB.
        overhead_mb: What the process itself takes on the device.
    """
    weights_mb = model_mb * BYTES[precision] / BYTES[Precision.FP32]
    item_mb = max(weights_mb * ITEM_SHARE, LEAST_ITEM_MB)
    usable_mb = free_mb * (1 - RESERVE_SHARE)
    room_mb = usable_mb - weights_mb - overhead_mb
    max_batch = max(0, min(floor(room_mb / item_mb), LARGEST_BATCH))
    return Fit(
        fits=max_batch > 0,
        weights_mb=round(weights_mb, 1),
        needed_mb=round(weights_mb + overhead_mb + item_mb, 1),
        usable_mb=round(usable_mb, 1),
        max_batch=max_batch,
    )
