from typing import Any

import torch
from transformers.models.bark.generation_configuration_bark import BarkSemanticGenerationConfig

from audio_svc.speech.bark_sampling import Sampler, make_processors

SCORES = torch.tensor([[0.1, 2.0, 1.5, -3.0]])
CPU = torch.device("cpu")


def make_config(**settings: object) -> Any:
    return BarkSemanticGenerationConfig(**settings)  # type: ignore[no-untyped-call]


def test_without_sampling_the_likeliest_is_chosen() -> None:
    assert Sampler(CPU, None).choose(SCORES, sample=False).tolist() == [1]


def test_seed_gives_what_the_process_would_draw_after_it() -> None:
    torch.manual_seed(5)
    expected = torch.multinomial(torch.softmax(SCORES.expand(20, 4), dim=-1), 1).squeeze(1)
    assert torch.equal(Sampler(CPU, 5).choose(SCORES.expand(20, 4), sample=True), expected)


def test_no_seed_gives_other_draws_each_time() -> None:
    rows = torch.zeros(64, 1000)
    first, second = (Sampler(CPU, None).choose(rows, sample=True) for _ in range(2))
    assert not torch.equal(first, second)


def test_settings_of_sampling_are_left_out_where_it_is_off() -> None:
    config = make_config(temperature=0.5, top_k=1, renormalize_logits=False)
    assert torch.equal(make_processors(config, [])(torch.ones(1, 1), SCORES), SCORES)


def test_only_the_likeliest_are_left_where_top_k_says_so() -> None:
    config = make_config(do_sample=True, top_k=2)
    kept = make_processors(config, [])(torch.ones(1, 1, dtype=torch.int64), SCORES.clone())
    assert torch.isfinite(kept).tolist() == [[False, True, True, False]]
