"""The built-in model ``example``: a seeded MLP of 10 → 64 → 32 → 1 with ReLU."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.base import EngineInfo, InputKind, Prepared, TensorSpec

WIDTHS = (10, 64, 32, 1)
SEED = 20_240_229
REVISION = "built-in"
MAX_FLOAT32 = 3.4028234663852886e38


class ExampleEngine:
    """One vector of at most 10 numbers gives one number; shorter ones are zero-padded.

    The weights are float32 numbers from a generator of their own. They are multiplied in
    float64 (where the device has it) and the result is rounded to float32, so that it depends
    neither on the batch a vector is in nor on the replica: in float32 the kernels for one row
    and for many differ in the last bits.
    """

    def __init__(self, device: str) -> None:
        self.info = EngineInfo(
            InputKind.TENSOR,
            rank=1,
            device=device,
            dtype="float32",
            inputs=(TensorSpec("input", "float32", WIDTHS[:1]),),
            outputs=(TensorSpec("output", "float32"),),
        )
        self._device = device
        self._layers: list[tuple[Any, Any]] = []

    def load(self) -> int:
        import torch

        generator = torch.Generator().manual_seed(SEED)
        dtype = torch.float32 if self._device.startswith("mps") else torch.float64
        for fan_in, fan_out in pairwise(WIDTHS):
            bound = 1 / math.sqrt(fan_in)
            weight = torch.empty(fan_in, fan_out).uniform_(-bound, bound, generator=generator)
            bias = torch.empty(fan_out).uniform_(-bound, bound, generator=generator)
            layer = (weight.to(self._device, dtype), bias.to(self._device, dtype))
            self._layers.append(layer)
        self._dtype = dtype
        self._torch = torch
        return sum(t.untyped_storage().nbytes() for layer in self._layers for t in layer)

    def warm_up(self) -> None:
        for size in (1, 8):
            self.predict_batch([Prepared(_pad([1.0]))] * size)

    def read_parameters(self, parameters: Mapping[str, object]) -> Any:
        for name in parameters:
            raise InvalidFieldError(f"parameters.{name}", "is not known; example takes none")
        return None

    def prepare(self, value: Any, options: Any) -> Prepared:
        """Takes a vector."""
        del options
        if len(value) > WIDTHS[0]:
            raise InvalidFieldError(
                "inputs",
                f"has {len(value)} numbers; example takes a vector of at most {WIDTHS[0]}",
            )
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if value and (min(value) < -MAX_FLOAT32 or max(value) > MAX_FLOAT32):
            raise InvalidFieldError("inputs", "has a number outside of what float32 can hold")
        return Prepared(_pad(value))

    def predict_batch(self, batch: Sequence[Prepared]) -> Sequence[object]:
        torch = self._torch
        rows = np.array([prepared.payload for prepared in batch], dtype=np.float64)
        with torch.inference_mode():
            hidden = torch.from_numpy(rows)
            if self._device != "cpu":
                hidden = hidden.to(self._device, self._dtype)
            (w1, b1), (w2, b2), (w3, b3) = self._layers
            hidden = torch.addmm(b1, hidden, w1).relu_()
            hidden = torch.addmm(b2, hidden, w2).relu_()
            result = torch.addmm(b3, hidden, w3).cpu().numpy()
        with np.errstate(over="ignore"):  # It becomes an infinity, which is looked for below.
            numbers: list[float] = result[:, 0].astype(np.float32).tolist()
        return [_finite(number) for number in numbers]

    def unload(self) -> None:
        self._layers.clear()


def _pad(vector: list[float]) -> list[float]:
    return vector + [0.0] * (WIDTHS[0] - len(vector))


def _finite(number: float) -> object:
    """JSON has no infinity; numbers near float32's end can still sum up to one."""
    if math.isfinite(number):
        return number
    return InvalidFieldError("inputs", "is so large that the result is not finite")
