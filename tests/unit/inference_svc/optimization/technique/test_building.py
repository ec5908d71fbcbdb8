from pathlib import Path

import pytest
import torch
from torch import nn

from inference_svc.optimization.technique.base import (
    ModuleCall,
    UnavailableTechniqueError,
    Workshop,
)
from inference_svc.optimization.technique.building import ensure_built
from tests.unit.inference_svc.optimization.conftest import CPU
from tests.unit.inference_svc.optimization.tiny import tiny_module

CALLS = [ModuleCall((torch.ones(2, 16),), {})]


def workshop(path: Path, *, build: bool) -> Workshop:
    return Workshop(CPU, CALLS, path, build)


def test_what_is_there_is_not_built_again(tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    path.write_bytes(b"made before")
    ensure_built("aot", None, workshop(path, build=True), path)
    assert path.read_bytes() == b"made before"


def test_nothing_is_built_to_serve(tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    with pytest.raises(UnavailableTechniqueError, match="not in the cache"):
        ensure_built("aot", tiny_module(), workshop(path, build=False), path)


def test_what_can_not_be_compiled_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "m.pt2"
    wrong = nn.Sequential(nn.Linear(3, 3))  # The calls have sixteen numbers.
    with pytest.raises(UnavailableTechniqueError, match=r"be compiled: .*dim"):
        ensure_built("aot", wrong, workshop(path, build=True), path)
    assert list((tmp_path / "cache").iterdir()) == []
