"""Tensor models: TorchScript and torch.export files, by the rank of one input."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.base import EngineInfo, InputKind, Prepared, TensorSpec
from inference_svc.engine.checkpoint import module_bytes
from inference_svc.engine.parameters import Parameters
from inference_svc.engine.tensor_module import find_artifact, load_artifact
from inference_svc.engine.torch_errors import device_errors

# Numbers that weigh as much as a token of a text, to within what the budget learns anyway.
NUMBERS_PER_TOKEN = 256
DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int64": torch.int64,
    "int32": torch.int32,
    "uint8": torch.uint8,
    "bool": torch.bool,
}


@dataclass(frozen=True, slots=True)
class Options:
    dtype: torch.dtype


class TensorEngine:
    """Per input the module's output: a number, or nested lists; of several outputs a list.

    An export says the type of its input; for a script ``parameters.dtype`` may name another
    than float32.

    Args:
        folder: Holds one .pt2 or .pt file.
        device: A torch device.
        rank: Of one input.
        trusted: The manifest allows pickles.
    """

    def __init__(self, folder: Path, device: str, *, rank: int, trusted: bool = False) -> None:
        self.info = EngineInfo(InputKind.TENSOR, rank=rank, device=device, dtype="float32")
        self._folder = folder
        self._device = device
        self._rank = rank
        self._trusted = trusted

    def load(self) -> int:
        _allow_read_only()
        path = find_artifact(self._folder)
        self._module: Any = load_artifact(path, self._rank, self._device, trusted=self._trusted)
        self._names = ("dtype",) if self._module.dtype is None else ()
        self._default = Options(self._module.dtype or torch.float32)
        weights = next(iter(self._module.module.parameters()), None)
        dtype = weights.dtype if weights is not None else self._default.dtype
        sizes = self._module.shape or (-1,) * self._rank
        spec = TensorSpec(self._module.name, _name(self._default.dtype), sizes)
        self.info = replace(self.info, dtype=_name(dtype), inputs=(spec,))
        return max(1, module_bytes(self._module.module))

    def warm_up(self) -> None:
        """With the sample that an export carries; a script doesn't say what it takes."""
        sample: Tensor | None = self._module.sample
        if sample is not None:
            (result,) = self.predict_batch([Prepared(sample)])
            fixed = -1 not in (self._module.shape or (-1,))
            self.info = replace(self.info, outputs=_outputs(result, fixed=fixed))

    def read_parameters(self, parameters: Mapping[str, object]) -> Options:
        given = Parameters(parameters, self._names)
        if not given.has("dtype"):
            return self._default
        return Options(DTYPES[given.choice("dtype", "float32", tuple(DTYPES))])

    def prepare(self, value: Any, options: Any) -> Prepared:
        """Takes nested lists of floats, or an array, which is not copied if it is of the type."""
        if isinstance(value, np.ndarray):
            tensor = torch.from_numpy(value).to(options.dtype)
            length = max(1, value.size // NUMBERS_PER_TOKEN)
            return Prepared(tensor, length, (value.shape, options.dtype))
        try:
            array = np.asarray(value, dtype=np.float64)
        except ValueError:
            raise InvalidFieldError(
                "inputs", "has rows of different lengths; a tensor has none"
            ) from None
        tensor = torch.from_numpy(array).to(options.dtype)
        if not _same(array, tensor):
            raise InvalidFieldError(
                "inputs", f"has a number that {_name(options.dtype)} can't hold"
            )
        length = max(1, array.size // NUMBERS_PER_TOKEN)
        return Prepared(tensor, length, (array.shape, options.dtype))

    def predict_batch(self, batch: Sequence[Prepared]) -> list[object]:
        with torch.inference_mode(), device_errors():
            rows = [one.payload.to(self._device) for one in batch]
            return [_as_json(output) for output in self._module(rows)]

    def unload(self) -> None:
        self._module = None


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _allow_read_only() -> None:
    """Has torch say now, and to nobody, what it says at the first array that is read-only.

    A request's bytes are nobody else's, so that a module may write into them. Not thread-safe.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch.from_numpy(np.frombuffer(b"1234", dtype=np.float32))


def _outputs(result: Any, *, fixed: bool) -> tuple[TensorSpec, ...]:
    """What a result of the sample says of all of them.

    Args:
        result: As ``predict_batch`` gives it.
        fixed: Inputs are of one size, and so are outputs.
    """
    if isinstance(result, dict):
        parts = result
    elif isinstance(result, list):
        parts = {f"output_{index}": part for index, part in enumerate(result)}
    else:
        parts = {"output": result}
    if not all(isinstance(part, np.ndarray | np.generic) for part in parts.values()):
        return ()
    return tuple(
        TensorSpec(name, part.dtype.name, part.shape if fixed else (-1,) * part.ndim)
        for name, part in parts.items()
    )


def _same(array: np.ndarray[Any, Any], tensor: Tensor) -> bool:
    """Integers exactly, floats to within their precision and range."""
    if tensor.is_floating_point():
        return bool(torch.isfinite(tensor).all())
    return bool((tensor.to(torch.float64).numpy() == array).all())


def _as_json(output: Any) -> object:
    if isinstance(output, Tensor):
        known = output.float() if output.dtype in (torch.float16, torch.bfloat16) else output
        array = known.cpu().numpy()
        return array if array.ndim else array[()]
    if isinstance(output, dict):
        return {str(name): _as_json(part) for name, part in output.items()}
    return [_as_json(part) for part in output]
