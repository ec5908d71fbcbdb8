from typing import Any

import pytest
import torch
from torch import nn

from inference_svc.optimization.technique.base import UnavailableTechniqueError
from inference_svc.optimization.technique.linears import with_linears
from tests.unit.inference_svc.optimization.tiny import tiny_module


def test_linear_layers_are_exchanged_and_the_rest_is_shared() -> None:
    module: Any = nn.Sequential(nn.LayerNorm(16), tiny_module())
    made: Any = with_linears(module, lambda _: nn.Identity())
    assert [type(m) for m in made[1]] == [nn.Identity, nn.Tanh, nn.Identity]
    assert made[0].weight is module[0].weight
    assert isinstance(module[1][0], nn.Linear)


def test_a_model_without_any_is_told_so() -> None:
    with pytest.raises(UnavailableTechniqueError, match="no linear layers"):
        with_linears(nn.Embedding(2, 2), lambda layer: layer)


def test_nothing_is_copied() -> None:
    module = tiny_module()
    made = with_linears(module, lambda layer: layer)
    same = {p.data_ptr() for p in module.parameters()} == {p.data_ptr() for p in made.parameters()}
    assert same
    assert torch.equal(made(torch.ones(1, 16)), module(torch.ones(1, 16)))
