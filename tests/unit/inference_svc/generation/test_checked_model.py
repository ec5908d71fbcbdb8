from typing import Any

import pytest
import torch
from transformers import BloomConfig, BloomForCausalLM, MambaConfig, MambaForCausalLM

from fleetserve.errors import InternalError
from inference_svc.generation.checked_model import check_model
from inference_svc.generation.packed_model import PackedModel
from inference_svc.generation.solo_model import SoloModel
from tests.checkpoints.causal import make_llama
from tests.checkpoints.causal_families import make_family


def test_a_model_of_the_usual_kind_is_packed() -> None:
    chosen = check_model(make_llama(), "cpu", max_rows=4)
    assert isinstance(chosen, PackedModel)
    assert chosen.max_rows == 4
    # 3 layers, 2 heads of keys, 8 wide, keys and values, float32.
    assert chosen.bytes_per_token == 3 * 2 * 8 * 2 * 4


def test_one_that_would_be_wrong_packed_takes_turns() -> None:
    bloom: Any = BloomForCausalLM(BloomConfig(vocab_size=64, hidden_size=16, n_layer=2, n_head=2))
    assert isinstance(check_model(bloom.eval(), "cpu", max_rows=4), SoloModel)


def test_one_that_ignores_the_packed_attention_takes_turns_however_little_it_changes() -> None:
    falcon = make_family("falcon")
    with torch.no_grad():
        for block in falcon.transformer.h:
            block.self_attention.dense.weight.mul_(1e-6)
    assert isinstance(check_model(falcon, "cpu", max_rows=4), SoloModel)


def test_one_that_can_not_be_continued_is_not_served() -> None:
    config = MambaConfig(vocab_size=64, hidden_size=16, num_hidden_layers=2, state_size=4)
    factory: Any = MambaForCausalLM
    with pytest.raises(InternalError, match="MambaForCausalLM can't be continued") as refused:
        check_model(factory(config).eval(), "cpu", max_rows=4)
    assert refused.value.code == "model_load_failed"


def test_weights_that_are_not_numbers_are_not_served() -> None:
    broken = make_llama()
    with torch.no_grad():
        broken.lm_head.weight[0] = torch.nan
    with pytest.raises(InternalError, match="differ"):
        check_model(broken, "cpu", max_rows=4)
