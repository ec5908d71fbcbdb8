"""bf16 and fp16: matrix products in half precision, everything between them as it was.

Casting the whole model is a little faster and too coarse: MiniLM's vectors then have a cosine
of 0.996 to float32's, with the products alone 0.99997 (norms, softmax and residuals are where
half precision loses).
"""

from typing import Any

import torch
from torch import Tensor, nn

from inference_svc.optimization.hardware import Hardware
from inference_svc.optimization.technique.base import Improved, Workshop
from inference_svc.optimization.technique.linears import with_linears

_CUDA_BF16 = 8  # Major compute capability, Ampere.


class HalfLinear(nn.Module):
    """A linear layer that takes and gives the dtype of its input.

    in_features and out_features stand as nn.Linear has them, since models look at them.
    """

    def __init__(self, layer: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.weight = nn.Parameter(layer.weight.to(dtype), requires_grad=False)
        bias = None
        if layer.bias is not None:
            bias = nn.Parameter(layer.bias.to(dtype), requires_grad=False)
        self.bias = bias

    def forward(self, values: Tensor) -> Tensor:
        product = nn.functional.linear(values.to(self.weight.dtype), self.weight, self.bias)
        return product.to(values.dtype)


class Bf16:
    """Fast where matrix units take bfloat16 (AMX, AVX512-BF16, Ampere and later)."""

    name = "bf16"

    def unavailable(self, hardware: Hardware) -> str | None:
        if hardware.kind == "cuda" and _cuda_major(hardware) < _CUDA_BF16:
            return f"{hardware.name} computes no bfloat16; fp16 is the way there"
        return None

    def apply(self, module: Any, workshop: Workshop) -> Improved:
        del workshop
        return Improved(
            with_linears(module, lambda layer: HalfLinear(layer, torch.bfloat16)), "bfloat16"
        )


class Fp16:
    """Fast on GPUs; on CPUs only where there is arithmetic for it."""

    name = "fp16"

    def unavailable(self, hardware: Hardware) -> str | None:
        if hardware.kind == "cpu" and not hardware.abilities & {"fp16", "amx-fp16"}:
            return "this CPU has no float16 arithmetic (avx512_fp16 or amx_fp16)"
        return None

    def apply(self, module: Any, workshop: Workshop) -> Improved:
        del workshop
        return Improved(
            with_linears(module, lambda layer: HalfLinear(layer, torch.float16)), "float16"
        )


def _cuda_major(hardware: Hardware) -> int:
    ability = next(iter(hardware.abilities), "compute-0.0")
    return int(ability.removeprefix("compute-").partition(".")[0])
