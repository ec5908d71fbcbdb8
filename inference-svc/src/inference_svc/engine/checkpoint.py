"""Reads a repository's model with transformers: offline, no foreign code, no unsafe pickle."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.utils.logging import disable_progress_bar

from inference_svc.device import storage_bytes


class IncompleteCheckpointError(Exception):
    """The files lack weights that this task needs; they would be random numbers."""


def load_checkpoint(
    kind: Any, folder: Path, device: str, *, optional: Sequence[str] = ()
) -> tuple[Any, tuple[str, ...]]:
    """The model in float32, ready to infer, and which of the optional weights it lacks.

    Args:
        kind: One of transformers' Auto classes.
        folder: Holds config.json and the weights.
        device: Where the model goes.
        optional: Prefixes of weights that may be missing.

    Raises: IncompleteCheckpointError: others are missing, such as the head of this task.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    model, report = kind.from_pretrained(
        folder,
        local_files_only=True,
        trust_remote_code=False,
        dtype=torch.float32,
        weights_only=True,
        output_loading_info=True,
    )
    missing = sorted(report["missing_keys"])
    needed = [name for name in missing if not name.startswith(tuple(optional))]
    if needed:
        raise IncompleteCheckpointError(
            f"the files have no weights for {', '.join(needed[:3])}"
            f"{' and others' if len(needed) > 3 else ''}: it was not trained for this task"
        )
    lacking = tuple(name for name in optional if any(m.startswith(name) for m in missing))
    return model.eval().to(device), lacking


def module_bytes(module: nn.Module) -> int:
    """Bytes of parameters and buffers, shared storages counted once."""
    return storage_bytes([*module.parameters(), *module.buffers()])
