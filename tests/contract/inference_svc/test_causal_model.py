"""What every causal model keeps, however its texts are computed: as the library's generate()."""

import copy
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from inference_svc.generation.causal import CausalModel, Row
from inference_svc.generation.checked_model import check_model
from inference_svc.generation.memory_causal import MemoryCausal
from inference_svc.generation.packed_model import PackedModel
from inference_svc.generation.solo_model import SoloModel
from tests.checkpoints.causal import spread

VOCABULARY = 128
NEW = 10
CHUNK = 5
LENGTHS = (3, 20, 11)  # Longer than a sliding window, and not.
PROMPTS = [[1 + (7 * n + 5 * row) % 120 for n in range(size)] for row, size in enumerate(LENGTHS)]

SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
WINDOWS = {**SHAPE, "head_dim": 16, "sliding_window": 6}
OLDER = {"vocab_size": VOCABULARY, "n_layer": 2, "n_head": 4, "bos_token_id": 0, "eos_token_id": 0}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
CONFIGS: dict[str, dict[str, Any]] = {
    "llama": SHAPE,
    "qwen2": SHAPE,
    "qwen3": {**SHAPE, "head_dim": 16},
    "mistral": {**SHAPE, "sliding_window": 6},
    "gemma2": {**WINDOWS, "attn_logit_softcapping": 2.0},
    "gemma3_text": WINDOWS,
    "qwen3_moe": {**SHAPE, **EXPERTS},
    "gpt2": {**OLDER, "n_embd": 32, "n_positions": 64},
    "gpt_neox": SHAPE,
    "bloom": {**OLDER, "hidden_size": 32},
}
ALONE = {"bloom"}  # ALiBi adds its own term to the scores.


@dataclass
class Case:
    """A model, and what its texts have to be."""

    model: CausalModel
    expected: list[list[int]]


def library_texts(model: Any) -> list[list[int]]:
    texts = []
    for ids in PROMPTS:
        found = model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids)),
            max_new_tokens=NEW,
            min_new_tokens=NEW,
            do_sample=False,
            pad_token_id=0,
        )
        texts.append(found[0, len(ids) :].tolist())
    return texts


def memory_texts(model: MemoryCausal) -> list[list[int]]:
    texts = []
    for ids in PROMPTS:
        known = list(ids)
        for _ in range(NEW):
            known.append(model.follower(known))
        texts.append(known[len(ids) :])
    return texts


@pytest.fixture(scope="module", params=["memory", *CONFIGS])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "memory":
        memory = MemoryCausal(vocabulary=VOCABULARY)
        return Case(memory, memory_texts(memory))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = AutoConfig.for_model(request.param, **CONFIGS[request.param])
        factory: Any = AutoModelForCausalLM
        model = spread(factory.from_config(config), seed=1)
    with torch.inference_mode():
        reference = copy.deepcopy(model)
        reference.set_attn_implementation("eager")
        expected = library_texts(reference)
    chosen = check_model(model, "cpu", max_rows=8)
    assert isinstance(chosen, SoloModel if request.param in ALONE else PackedModel)
    return Case(chosen, expected)


def step(model: CausalModel, rows: list[Row]) -> torch.Tensor:
    size = model.max_rows
    groups = [rows[n : n + size] for n in range(0, len(rows), size)]
    return torch.cat([model.step(group) for group in groups])


def write(model: CausalModel, prompts: list[list[int]], chunk: int) -> list[list[int]]:
    """Prompts are read chunk by chunk and join whoever writes already; the ends are at 0."""
    caches = [model.open(len(ids) + NEW) for ids in prompts]
    known, read = [list(ids) for ids in prompts], [0] * len(prompts)
    while any(len(k) < len(ids) + NEW for k, ids in zip(known, prompts, strict=True)):
        rows, places = [], []
        for n, cache in enumerate(caches):
            if len(known[n]) == len(prompts[n]) + NEW:
                continue
            ids = known[n][read[n] : read[n] + chunk]
            read[n] += len(ids)
            rows.append(Row(cache, ids, ends=read[n] == len(known[n])))
            places.append(n)
        logits = step(model, rows)
        ended = [n for n, row in zip(places, rows, strict=True) if row.ends]
        assert len(logits) == len(ended)
        for n, row in zip(ended, logits, strict=True):
            row[0] = -torch.inf
            known[n].append(int(row.argmax()))
    return [k[len(ids) :] for k, ids in zip(known, prompts, strict=True)]


def test_texts_that_share_their_steps_are_the_librarys(case: Case) -> None:
    assert write(case.model, PROMPTS, CHUNK) == case.expected


def test_a_text_alone_is_the_librarys(case: Case) -> None:
    for ids, expected in zip(PROMPTS, case.expected, strict=True):
        assert write(case.model, [ids], chunk=64) == [expected]


def test_logits_are_float32_of_the_rows_that_end(case: Case) -> None:
    cache = case.model.open(8)
    assert case.model.step([Row(cache, [1, 2], ends=False)]).shape == (0, VOCABULARY)
    logits = case.model.step([Row(cache, [3], ends=True)])
    assert (logits.shape, logits.dtype) == ((1, VOCABULARY), torch.float32)


def test_what_a_token_takes_is_measured(case: Case) -> None:
    assert case.model.bytes_per_token > 0
