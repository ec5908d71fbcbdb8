"""What every way to make a model faster keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from inference_svc.optimization.hardware import Hardware, look_at
from inference_svc.optimization.technique.aot import Aot
from inference_svc.optimization.technique.base import ModuleCall, Technique, Workshop
from inference_svc.optimization.technique.compiled import Compiled
from inference_svc.optimization.technique.half import Bf16, Fp16
from inference_svc.optimization.technique.int8 import Int8
from inference_svc.optimization.technique.memory import MemoryTechnique
from inference_svc.optimization.technique.tensorrt import TensorRt

WIDTH = 32
# torch's compilers use what torch itself has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")


class Small(nn.Module):
    """Called by keyword and giving a mapping, as transformers' models are."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first = nn.Linear(WIDTH, 64)
        self.norm = nn.LayerNorm(64)
        self.second = nn.Linear(64, WIDTH)

    def forward(self, *, values: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"hidden": self.second(torch.tanh(self.norm(self.first(values))))}


@dataclass(frozen=True)
class Case:
    make: Callable[[], Technique]
    tolerance: float
    device: str = "cpu"


CASES = {
    "memory": Case(MemoryTechnique, 0.0),
    "bf16": Case(Bf16, 0.02),
    "fp16": Case(Fp16, 0.01),
    "int8": Case(Int8, 0.05),
    "aot": Case(Aot, 1e-5),
    "compile": Case(Compiled, 1e-5),
}
GPU_CASES = {
    "bf16 on cuda": Case(Bf16, 0.02, "cuda"),
    "fp16 on cuda": Case(Fp16, 0.01, "cuda"),
    "int8 on cuda": Case(Int8, 0.05, "cuda"),
    "aot on cuda": Case(Aot, 1e-3, "cuda"),
    "compile on cuda": Case(Compiled, 1e-3, "cuda"),
    "tensorrt": Case(TensorRt, 1e-2, "cuda"),
}


@pytest.fixture(
    scope="module",
    params=[*CASES, *(pytest.param(name, marks=pytest.mark.gpu) for name in GPU_CASES)],
)
def case(request: pytest.FixtureRequest) -> Case:
    return (CASES | GPU_CASES)[request.param]


@dataclass
class Tried:
    case: Case
    module: Small
    faster: Any
    dtype: str | None
    workshop: Workshop

    def rows(self, count: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(count)
        return torch.randn(count, WIDTH, generator=generator).to(self.case.device)


@pytest.fixture(scope="module")
def tried(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Tried:
    device = "cuda:0" if case.device == "cuda" else "cpu"
    module = Small().eval().to(device)
    calls = [ModuleCall((), {"values": torch.randn(n, WIDTH, device=device)}) for n in (1, 2, 8)]
    place: Path = tmp_path_factory.mktemp("cache") / "artefact"
    workshop = Workshop(look_at(device), calls, place, build=True)
    with torch.inference_mode():
        improved = case.make().apply(module, workshop)
    return Tried(case, module, improved.module, improved.dtype, workshop)


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_results_are_near_for_every_batch_size(tried: Tried, count: int) -> None:
    rows = tried.rows(count)
    with torch.inference_mode():
        found, expected = tried.faster(values=rows)["hidden"], tried.module(values=rows)["hidden"]
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, expected, atol=tried.case.tolerance, rtol=0.05)


def test_the_module_itself_stays_as_it_was(tried: Tried) -> None:
    fresh = Small().eval().to(tried.case.device)
    for kept, new in zip(tried.module.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(kept, new)
    assert type(tried.module.first) is nn.Linear


def test_applied_again_to_serve_it_gives_the_same(tried: Tried) -> None:
    serving = Workshop(
        tried.workshop.hardware, tried.workshop.calls, tried.workshop.artefact, build=False
    )
    again = tried.case.make().apply(tried.module, serving)
    rows = tried.rows(3)
    with torch.inference_mode():
        torch.testing.assert_close(
            again.module(values=rows)["hidden"], tried.faster(values=rows)["hidden"]
        )


def test_reason_why_not_is_a_sentence_or_nothing(case: Case) -> None:
    for kind in ("cpu", "cuda", "mps"):
        hardware = Hardware(kind, kind, "x", frozenset())
        reason = case.make().unavailable(hardware)
        assert reason is None or len(reason) > 10
