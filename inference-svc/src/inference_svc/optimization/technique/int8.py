"""INT8: weights per output channel, activations per token, quantised while it runs.

The same arithmetic as torchao's dynamic w8a8, by torch's own integer product: no package and no
compiler are needed, and with ``+aot`` the quantising is fused.
"""

from typing import Any

import torch
from torch import Tensor, nn

from inference_svc.optimization.hardware import Hardware
from inference_svc.optimization.technique.base import Improved, Workshop
from inference_svc.optimization.technique.linears import with_linears

_LARGEST = 127
_TINY = 1e-8
_LEAST_ROWS = 17  # CUDA's integer product takes no fewer.


class Int8Linear(nn.Module):
    """A linear layer with int8 weights; its bias and its results are as before."""

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = layer.in_features, layer.out_features
        weight = layer.weight.detach().float()
        scale = weight.abs().amax(dim=1).clamp(min=_TINY) / _LARGEST
        rounded = (weight / scale.unsqueeze(1)).round().to(torch.int8)
        self.register_buffer("weight", rounded.t().contiguous())
        self.register_buffer("scale", scale)
        self.register_buffer("bias", None if layer.bias is None else layer.bias.detach())

    def forward(self, values: Tensor) -> Tensor:
        rows = values.reshape(-1, self.in_features)
        count = rows.shape[0]
        if rows.device.type == "cuda" and count < _LEAST_ROWS:
            rows = nn.functional.pad(rows, (0, 0, 0, _LEAST_ROWS - count))
        steps = rows.abs().amax(dim=1, keepdim=True).float().clamp(min=_TINY) / _LARGEST
        rounded = (rows / steps).round().to(torch.int8)
        product = torch._int_mm(rounded, self.weight).float() * steps * self.scale  # noqa: SLF001
        if self.bias is not None:
            product = product + self.bias
        return product[:count].to(values.dtype).reshape(*values.shape[:-1], self.out_features)


class Int8:
    """Fast where integer dot products are (VNNI, AMX, dotprod, Turing and later)."""

    name = "int8"

    def unavailable(self, hardware: Hardware) -> str | None:
        if hardware.kind == "mps":
            return "MPS has no integer matrix product"
        return None

    def apply(self, module: Any, workshop: Workshop) -> Improved:
        del workshop
        return Improved(with_linears(module, Int8Linear), "int8")
