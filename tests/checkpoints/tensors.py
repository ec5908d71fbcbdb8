"""TorchScript and torch.export files of a small network: 4 numbers to 2."""

import os
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

WIDTH = 4


class Steps(nn.Module):
    """A layer, and how its outputs change; called by rows."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(WIDTH, 2)

    def forward(self, numbers: Tensor) -> Tensor:
        return torch.tanh(self.layer(numbers)) * 2.0


def make_network(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Steps().eval()


def write_script(path: Path, network: nn.Module | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        script: Any = torch.jit.script(network or make_network())
        script.save(path)


def write_export(
    path: Path, network: nn.Module | None = None, *, sample: Any = None, **how: Any
) -> None:
    """With a batch of any size, unless ``sample`` and ``dynamic_shapes`` say else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if sample is None:
        sample = torch.zeros(2, WIDTH)
        how = {"dynamic_shapes": ({0: torch.export.Dim("batch")},)}
    program = torch.export.export(network or make_network(), (sample,), **how)
    torch.export.save(program, os.fspath(path))
