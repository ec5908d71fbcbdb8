"""Packed rows against the library's own call for each text alone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    DistilBertConfig,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
    MPNetConfig,
    MPNetModel,
    Qwen3Config,
    Qwen3Model,
    RobertaConfig,
    RobertaModel,
    T5Config,
    T5EncoderModel,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from inference_svc.engine.packing import Packing, find_packing
from inference_svc.engine.text_encoding import TokenRow
from inference_svc.text_attention import ATTENTION
from tests.checkpoints.text_models import draw
from tests.hub.minilm import minilm_folder

PAD = 1
SMALL: dict[str, Any] = {
    "vocab_size": 99,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
BERT: dict[str, Any] = {
    **SMALL,
    "intermediate_size": 64,
    "pad_token_id": PAD,
    "max_position_embeddings": 64,
}
QWEN: dict[str, Any] = {**SMALL, "intermediate_size": 64, "num_key_value_heads": 2, "head_dim": 8}
PACKED: dict[str, tuple[Any, Any]] = {
    "bert": (BertModel, BertConfig(**BERT)),
    "roberta": (RobertaModel, RobertaConfig(**BERT)),
    "xlm-roberta": (XLMRobertaModel, XLMRobertaConfig(**BERT)),
    "distilbert": (
        DistilBertModel,
        DistilBertConfig(
            vocab_size=99, dim=32, n_layers=2, n_heads=4, hidden_dim=64, pad_token_id=PAD
        ),
    ),
    "qwen3": (Qwen3Model, Qwen3Config(**QWEN, pad_token_id=PAD)),
}
# Their attention looks at where tokens stand in the row.
PADDED: dict[str, tuple[Any, Any]] = {
    "mpnet": (MPNetModel, MPNetConfig(**BERT)),
    "t5": (
        T5EncoderModel,
        T5Config(vocab_size=99, d_model=32, num_layers=2, num_heads=4, d_kv=8, d_ff=64),
    ),
    "modernbert": (
        ModernBertModel,
        ModernBertConfig(**BERT, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3),
    ),
}


def rows(*lengths: int, types: bool = False) -> list[TokenRow]:
    rng = np.random.default_rng(3)
    return [
        TokenRow(rng.integers(4, 99, n), np.zeros(n, dtype=np.int64) if types else None)
        for n in lengths
    ]


def alone(model: Any, row: TokenRow) -> torch.Tensor:
    found: torch.Tensor = model(torch.from_numpy(row.ids)[None]).last_hidden_state[0]
    return found


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("family", PACKED)
def test_texts_in_one_row_are_what_each_is_alone(family: str) -> None:
    model = draw(*PACKED[family])
    texts = rows(5, 17, 1, 9, 9)
    wanted = [alone(model, row) for row in texts]
    packing = find_packing(model, rows(3, 11, 7), PAD, "cpu")
    assert packing is not None
    states, mask = packing.run(texts)
    assert mask.sum(dim=1).tolist() == [5, 17, 1, 9, 9]
    for found, vectors in zip(states, wanted, strict=True):
        torch.testing.assert_close(found[: len(vectors)], vectors, atol=2e-5, rtol=1e-4)
        assert not found[len(vectors) :].any()


@pytest.mark.parametrize("family", PADDED)
def test_model_that_computes_something_else_in_one_row_is_left_as_it_was(family: str) -> None:
    model = draw(*PADDED[family])
    (text,) = rows(9)
    before, attention = alone(model, text), model.config._attn_implementation
    assert find_packing(model, rows(3, 11, 7), PAD, "cpu") is None
    assert model.config._attn_implementation == attention
    assert torch.equal(alone(model, text), before)


def test_padded_batches_of_a_packed_model_are_the_librarys() -> None:
    model = draw(*PACKED["bert"])
    ids = torch.full((2, 9), PAD)
    ids[0], ids[1, :4] = torch.arange(10, 19), torch.arange(20, 24)
    mask = (ids != PAD).long()
    wanted = model(input_ids=ids, attention_mask=mask).last_hidden_state
    assert find_packing(model, rows(3, 11, 7), PAD, "cpu") is not None
    assert model.config._attn_implementation == ATTENTION
    assert torch.equal(model(input_ids=ids, attention_mask=mask).last_hidden_state, wanted)


def test_something_that_is_no_library_model_is_not_packed() -> None:
    assert find_packing(torch.nn.Linear(2, 2), rows(3, 11), PAD, "cpu") is None


def test_segment_types_go_with_their_texts() -> None:
    model: Any = AutoModel.from_pretrained(minilm_folder(), local_files_only=True).eval()
    first, second = rows(6, 8, types=True)
    assert second.types is not None
    second.types[4:] = 1
    wanted = model(
        torch.from_numpy(second.ids)[None], token_type_ids=torch.from_numpy(second.types)[None]
    ).last_hidden_state[0]
    packing = find_packing(model, rows(3, 11, types=True), 0, "cpu")
    assert isinstance(packing, Packing)
    states, _ = packing.run([first, second])
    torch.testing.assert_close(states[1], wanted, atol=1e-5, rtol=1e-4)
