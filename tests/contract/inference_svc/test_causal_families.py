"""Every public family writes what the library writes: alone, and beside other texts."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
import torch

from inference_svc.generation.causal import CausalModel, Row
from inference_svc.generation.checked_model import check_model
from tests.checkpoints.causal_families import (
    FAMILIES,
    POSITIONS,
    VOCABULARY,
    make_family,
)

PROMPTS = tuple([(5 * n + 3 * length) % VOCABULARY for n in range(length)] for length in (3, 7, 12))
NEW = 10
# What neither asks for another attention nor keeps keys where ours could.
TAKE_TURNS = frozenset(
    {
        "bloom", "codegen", "falcon", "falcon_alibi", "falcon_new", "gpt_neo", "gptj", "mpt",
        "stablelm",
    }
)  # fmt: skip


def library(model: Any, ids: list[int]) -> list[int]:
    given = torch.tensor([ids])
    found = model.generate(
        given, attention_mask=torch.ones_like(given), max_new_tokens=NEW, do_sample=False
    )
    new: list[int] = found[0, len(ids) :].tolist()
    return new


def written(
    model: CausalModel, prompts: Sequence[list[int]], piece: int = POSITIONS
) -> list[list[int]]:
    """Greedy continuations, all of them in each step; of prompts at most ``piece`` tokens."""
    caches = [model.open(len(ids) + NEW) for ids in prompts]
    unread = [list(ids) for ids in prompts]
    found: list[list[int]] = [[] for _ in prompts]
    while any(len(ids) > piece for ids in unread):
        longer = [(n, ids) for n, ids in enumerate(unread) if len(ids) > piece]
        model.step([Row(caches[n], ids[:piece], ends=False) for n, ids in longer])
        for n, ids in longer:
            unread[n] = ids[piece:]
    for _ in range(NEW):
        rows = [Row(cache, ids, ends=True) for cache, ids in zip(caches, unread, strict=True)]
        unread = [[token] for token in model.step(rows).argmax(-1).tolist()]
        for new, (token,) in zip(found, unread, strict=True):
            new.append(token)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_text_is_the_librarys(family: str) -> None:
    model = make_family(family)
    expected = [library(deepcopy(model), ids) for ids in PROMPTS]
    chosen = check_model(model, "cpu", max_rows=4)
    for piece in (POSITIONS, 4):
        assert [written(chosen, [ids], piece)[0] for ids in PROMPTS] == expected
    assert (chosen.max_rows == 1) == (family in TAKE_TURNS)
    if chosen.max_rows > 1:
        assert written(chosen, PROMPTS) == written(chosen, PROMPTS, 4) == expected
