import torch

from inference_svc.generation.causal import Row
from inference_svc.generation.solo_model import SoloModel
from tests.checkpoints.causal import make_gpt2
from tests.checkpoints.causal_tokenizer import VOCABULARY_SIZE


def test_its_texts_take_turns_and_keep_their_own_past() -> None:
    gpt2 = make_gpt2()
    model = SoloModel(gpt2, "cpu")
    assert model.max_rows == 1
    texts = [[5, 6, 7, 8], [9, 10, 11]]
    caches = [model.open(8) for _ in texts]
    for cache, ids in zip(caches, texts, strict=True):
        assert model.step([Row(cache, ids[:-1], ends=False)]).shape == (0, VOCABULARY_SIZE)
    for cache, ids in zip(caches, texts, strict=True):
        found = model.step([Row(cache, ids[-1:], ends=True)])
        with torch.inference_mode():
            expected = gpt2(torch.tensor([ids])).logits[:, -1]
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
