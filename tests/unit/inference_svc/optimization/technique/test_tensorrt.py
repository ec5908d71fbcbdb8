import importlib.util

import pytest

from inference_svc.optimization.hardware import Hardware
from inference_svc.optimization.technique.tensorrt import TensorRt
from tests.unit.inference_svc.optimization.conftest import CPU

GPU = Hardware("cuda:0", "cuda", "H100", frozenset({"compute-9.0"}))


def test_it_runs_on_nvidia_gpus_only() -> None:
    assert TensorRt().unavailable(CPU) == "TensorRT runs on NVIDIA GPUs only"


@pytest.mark.parametrize(("found", "why"), [(None, "not installed"), (object(), None)])
def test_its_package_has_to_be_there(
    monkeypatch: pytest.MonkeyPatch, found: object, why: str | None
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: found)
    reason = TensorRt().unavailable(GPU)
    assert (why in reason) if why and reason else reason is None


def test_this_machine_says_the_truth() -> None:
    installed = importlib.util.find_spec("torch_tensorrt") is not None
    assert (TensorRt().unavailable(GPU) is None) is installed
