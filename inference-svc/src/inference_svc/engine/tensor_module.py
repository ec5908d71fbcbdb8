"""TorchScript (.pt) and torch.export (.pt2) files as functions of a batch of tensors."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export.passes import move_to_device_pass

from inference_svc.engine.exported_archive import UnsafeArchiveError, check_archive

SCRIPT_SUFFIXES = (".pt", ".pth")
EXPORT_SUFFIX = ".pt2"


class UnusableArtifactError(Exception):
    """The file is no model, or none that can be called as the manifest says."""


@dataclass(frozen=True, slots=True)
class TensorModule:
    """A module that takes one tensor.

    Attributes:
        dtype: Of that tensor; None: the file doesn't say.
        batched: Its first dimension is the batch.
        least, most: Sizes of a batch that it takes.
        sample: One input, without the batch's dimension; None: the file has none.
        name: Of the input.
        shape: Of one input, -1 where it may be of any size; None: the file doesn't say.
    """

    module: nn.Module
    dtype: torch.dtype | None = None
    batched: bool = True
    least: int = 1
    most: float = math.inf
    sample: Tensor | None = None
    name: str = "input"
    shape: tuple[int, ...] | None = None

    def __call__(self, rows: Sequence[Tensor]) -> list[Any]:
        """One output per row; rows are of one shape.

        A module that is traced for more rows than there are gets the last one repeated.
        """
        if not self.batched:
            return [self.module(row) for row in rows]
        found: list[Any] = []
        size = int(min(self.most, len(rows)))
        for first in range(0, len(rows), size):
            chosen = list(rows[first : first + size])
            missing = self.least - len(chosen)
            output = self.module(_stacked(chosen + chosen[-1:] * max(0, missing)))
            found += _rows(output, max(len(chosen), self.least))[: len(chosen)]
        return found


def _stacked(rows: Sequence[Tensor]) -> Tensor:
    """A lone row is not copied, be it of megabytes."""
    return rows[0].unsqueeze(0) if len(rows) == 1 else torch.stack(list(rows))


def find_artifact(folder: Path) -> Path:
    """The model's file: an export before a script.

    Raises: UnusableArtifactError: there is none, or several.
    """
    for suffixes in ((EXPORT_SUFFIX,), SCRIPT_SUFFIXES):
        found = [path for path in sorted(folder.rglob("*")) if path.suffix in suffixes]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(path.name for path in found[:5])
            raise UnusableArtifactError(f"there are several models in it: {names}")
    raise UnusableArtifactError("there is no .pt2 or .pt file in it")


def load_artifact(path: Path, rank: int, device: str, *, trusted: bool) -> TensorModule:
    """The module, ready to infer.

    Args:
        path: Of the file.
        rank: Of one input.
        device: Where it goes.
        trusted: Its publisher is, so that what could run code is loaded too.

    Raises: UnusableArtifactError.
    """
    if path.suffix == EXPORT_SUFFIX:
        return _load_export(path, rank, device, trusted=trusted)
    try:
        with warnings.catch_warnings():
            # TorchScript is due for deletion, and people have such files.
            warnings.simplefilter("ignore", DeprecationWarning)
            module = torch.jit.load(path, map_location=device)  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as exc:
        raise UnusableArtifactError(
            f"{path.name} is no TorchScript file; a state_dict or a pickled module can't be "
            "served by itself: export the model with torch.export.save"
        ) from exc
    return TensorModule(module.eval())


def _load_export(path: Path, rank: int, device: str, *, trusted: bool) -> TensorModule:
    try:
        if not trusted:
            check_archive(path)
        program = torch.export.load(path)
    except UnsafeArchiveError as exc:
        raise UnusableArtifactError(
            f"{path.name} is not opened: {exc}. If you trust its publisher, download it again "
            'with "allow_pickle": true'
        ) from exc
    except Exception as exc:
        raise UnusableArtifactError(f"{path.name} can't be opened: {exc}") from exc
    if device != "cpu":
        program = move_to_device_pass(program, device)
    names = program.graph_signature.user_inputs
    if len(names) != 1:
        raise UnusableArtifactError(f"it takes {len(names)} inputs; one tensor is what is served")
    taken = next(node for node in program.graph.nodes if node.name == names[0]).meta["val"]
    if not isinstance(taken, Tensor) or taken.dim() not in (rank, rank + 1):
        raise UnusableArtifactError(
            f"its input is {_kind(taken)}, which is neither one of rank {rank} nor a batch of those"
        )
    batched = taken.dim() == rank + 1
    least, most = _bounds(program, taken.shape[0]) if batched else (1, math.inf)
    sample = program.example_inputs[0][0] if program.example_inputs else None
    if sample is not None and batched:
        sample = sample[0] if sample.shape[0] else None
    sizes = [size if isinstance(size, int) else -1 for size in taken.shape[int(batched) :]]
    return TensorModule(
        program.module(), taken.dtype, batched, least, most, sample, names[0], tuple(sizes)
    )


def _kind(taken: object) -> str:
    return f"a tensor of rank {taken.dim()}" if isinstance(taken, Tensor) else "no tensor"


def _bounds(program: Any, size: Any) -> tuple[int, float]:
    """How many rows a batch may have."""
    if isinstance(size, int):
        return size, size
    found = program.range_constraints.get(size.node.expr)
    if found is None:
        return 1, math.inf
    upper = float(found.upper) if found.upper.is_finite else math.inf
    return max(1, int(found.lower)), upper


def _rows(output: Any, size: int) -> list[Any]:
    """An output by rows: a tensor, or a list, tuple or dict of such."""
    if isinstance(output, Tensor):
        if not output.dim() or output.shape[0] != size:
            raise UnusableArtifactError(
                f"its output has the shape {tuple(output.shape)} for a batch of {size}"
            )
        return list(output)
    if isinstance(output, dict):
        parts = {name: _rows(part, size) for name, part in output.items()}
        return [{name: rows[n] for name, rows in parts.items()} for n in range(size)]
    if isinstance(output, list | tuple):
        columns = [_rows(part, size) for part in output]
        return [[rows[n] for rows in columns] for n in range(size)]
    raise UnusableArtifactError(f"its output is {type(output).__name__}, not a tensor")
