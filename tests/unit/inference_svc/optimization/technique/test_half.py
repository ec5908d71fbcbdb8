import pytest
import torch

from inference_svc.optimization.hardware import Hardware
from inference_svc.optimization.technique.half import Bf16, Fp16, HalfLinear
from tests.unit.inference_svc.optimization.tiny import tiny_module


def cuda(compute: str) -> Hardware:
    return Hardware("cuda:0", "cuda", "T4", frozenset({f"compute-{compute}"}))


def cpu(*abilities: str) -> Hardware:
    return Hardware("cpu", "cpu", "x86_64", frozenset(abilities))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_weights_are_half_and_results_are_not(dtype: torch.dtype) -> None:
    layer = torch.nn.Linear(8, 4)
    half = HalfLinear(layer, dtype)
    values = torch.randn(3, 8)
    found = half(values)
    assert half.weight.dtype is dtype
    assert found.dtype is torch.float32
    torch.testing.assert_close(found, layer(values), atol=0.05, rtol=0.05)
    assert not torch.equal(found, layer(values))


def test_a_layer_without_bias_keeps_none() -> None:
    half = HalfLinear(torch.nn.Linear(8, 4, bias=False), torch.bfloat16)
    assert half(torch.zeros(1, 8)).abs().max() == 0
    assert [name for name, _ in half.named_parameters()] == ["weight"]


def test_layer_has_the_sizes_that_models_ask_for() -> None:
    half = HalfLinear(tiny_module()[0], torch.bfloat16)  # type: ignore[index]
    assert (half.in_features, half.out_features) == (16, 32)


def test_old_gpus_have_no_bfloat16() -> None:
    assert "fp16" in (Bf16().unavailable(cuda("7.5")) or "")
    assert Bf16().unavailable(cuda("8.0")) is None
    assert Fp16().unavailable(cuda("7.5")) is None


def test_float16_wants_a_cpu_that_computes_it() -> None:
    assert "avx512_fp16" in (Fp16().unavailable(cpu("avx2", "bf16")) or "")
    assert Fp16().unavailable(cpu("fp16")) is None
    assert Bf16().unavailable(cpu()) is None
