from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.checkpoints.causal import make_gpt2, make_llama
from tests.checkpoints.hub_root import GPT2, SMOLLM2


@pytest.mark.parametrize(("repository", "make"), [(SMOLLM2, make_llama), (GPT2, make_gpt2)])
def test_the_library_loads_what_was_made(hub_root: Path, repository: str, make: Any) -> None:
    loaded: Any = AutoModelForCausalLM.from_pretrained(hub_root / repository, dtype=torch.float32)
    made = make()
    ids = torch.tensor([[5, 300, 17, 500]])
    with torch.inference_mode():
        found, expected = loaded(ids).logits, made(ids).logits
    # One of them is stored in two bytes a weight.
    torch.testing.assert_close(found, expected, atol=0.3, rtol=0.05)


def test_what_is_written_depends_on_what_was_read(hub_root: Path) -> None:
    model: Any = AutoModelForCausalLM.from_pretrained(hub_root / SMOLLM2, dtype=torch.float32)
    tokenizer: Any = AutoTokenizer.from_pretrained(hub_root / SMOLLM2)
    texts = set()
    for prompt in ("hello", "hello!", "good morning", "a"):
        ids = tokenizer(prompt, return_tensors="pt")
        found = model.generate(**ids, max_new_tokens=20, do_sample=False)
        new = found[0, ids["input_ids"].shape[1] :]
        assert len(set(new.tolist())) > 3
        texts.add(tokenizer.decode(new))
    assert len(texts) == 4
