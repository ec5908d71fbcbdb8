import pytest
import torch

from inference_svc.generation.causal import Row
from inference_svc.generation.packed_model import PackedModel
from tests.checkpoints.causal import make_llama
from tests.checkpoints.causal_tokenizer import VOCABULARY_SIZE


@pytest.fixture(scope="module")
def model() -> PackedModel:
    return PackedModel(make_llama(), "cpu", max_rows=4)


def test_only_rows_that_end_have_logits(model: PackedModel) -> None:
    caches = [model.open(8) for _ in range(3)]
    rows = [
        Row(cache, [5, 6, 7], ends=ends)
        for cache, ends in zip(caches, (True, False, True), strict=True)
    ]
    logits = model.step(rows)
    assert logits.shape == (2, VOCABULARY_SIZE)
    torch.testing.assert_close(logits[0], logits[1])
    assert [cache.length for cache in caches] == [3, 3, 3]


def test_a_step_that_failed_can_be_repeated(model: PackedModel) -> None:
    cache, other = model.open(8), model.open(2)
    model.step([Row(cache, [5, 6], ends=False)])
    expected = model.step([Row(cache, [7], ends=True)])
    cache.length = 2
    with pytest.raises(RuntimeError):
        model.step([Row(cache, [7], ends=True), Row(other, [1, 2, 3], ends=True)])
    assert (cache.length, other.length) == (2, 0)
    torch.testing.assert_close(model.step([Row(cache, [7], ends=True)]), expected)


def test_closed_it_holds_no_weights(model: PackedModel) -> None:
    model.close()
    assert model._model is None
