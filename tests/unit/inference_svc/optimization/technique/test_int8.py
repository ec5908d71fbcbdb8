import torch

from inference_svc.optimization.hardware import Hardware
from inference_svc.optimization.technique.int8 import Int8, Int8Linear


def test_results_are_those_of_the_quantised_numbers() -> None:
    layer = torch.nn.Linear(64, 24)
    values = torch.randn(5, 64)
    found = Int8Linear(layer)(values)
    step = values.abs().amax(1, keepdim=True) / 127
    scale = layer.weight.abs().amax(1, keepdim=True) / 127
    exact = (values / step).round() * step @ ((layer.weight / scale).round() * scale).T + layer.bias
    torch.testing.assert_close(found, exact.detach(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found, layer(values), atol=0.05, rtol=0.05)


def test_leading_dimensions_stay() -> None:
    layer = torch.nn.Linear(16, 8, bias=False)
    assert Int8Linear(layer)(torch.randn(2, 3, 16)).shape == (2, 3, 8)


def test_a_row_of_zeros_gives_the_bias() -> None:
    layer = torch.nn.Linear(16, 8)
    found = Int8Linear(layer)(torch.zeros(1, 16))
    torch.testing.assert_close(found[0], layer.bias.detach())


def test_weights_take_a_quarter() -> None:
    layer = torch.nn.Linear(256, 256)
    assert Int8Linear(layer).weight.nbytes * 4 == layer.weight.nbytes


def test_mps_has_no_integer_product() -> None:
    assert Int8().unavailable(Hardware("mps", "mps", "arm64", frozenset())) is not None
