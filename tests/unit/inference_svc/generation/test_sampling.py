import pytest
import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from inference_svc.generation.base import GenerationOrder, Prompt, Sampling
from inference_svc.generation.model_defaults import ModelDefaults
from inference_svc.generation.sampling import LIKELY, Chooser, candidates, choose_tokens

VOCABULARY = 2000
PROMPT = Prompt("", [1, 2, 3])


def logits(seed: int = 0, spread: float = 3.0) -> torch.Tensor:
    return spread * torch.randn(VOCABULARY, generator=torch.Generator().manual_seed(seed))


def library_probabilities(scores: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """What transformers' warpers leave, in its order."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(sampling.temperature)])
    if sampling.top_k:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        warpers.append(MinPLogitsWarper(sampling.min_p))
    return warpers(torch.tensor([[1]]), scores[None].clone()).softmax(-1)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0.7),
        Sampling(top_k=50),
        Sampling(top_k=1),
        Sampling(top_k=10 * VOCABULARY),
        Sampling(top_p=0.9),
        Sampling(top_p=0.9, temperature=0.1),
        Sampling(top_p=0.999, temperature=5.0),
        Sampling(top_p=1e-6),
        Sampling(min_p=0.05),
        Sampling(top_k=40, top_p=0.8, min_p=0.02, temperature=1.3),
    ],
    ids=str,
)
def test_what_can_be_chosen_is_what_the_library_leaves(sampling: Sampling) -> None:
    scores = logits()
    tokens, probabilities = candidates(scores, sampling)
    found = torch.zeros(VOCABULARY)
    found[tokens] = probabilities
    torch.testing.assert_close(found, library_probabilities(scores, sampling), atol=1e-6, rtol=1e-4)


def test_a_flat_distribution_is_not_cut_at_the_likely_ones() -> None:
    tokens, _ = candidates(torch.zeros(VOCABULARY), Sampling(top_p=0.5))
    assert len(tokens) > LIKELY


def test_tokens_come_as_often_as_they_are_probable() -> None:
    scores = torch.tensor([0.0, 1.0, 2.0, -1.0])
    order = GenerationOrder(PROMPT, Sampling(do_sample=True, seed=1))
    chooser = Chooser(order, ModelDefaults(), "cpu")
    counts = torch.zeros(4)
    for _ in range(4000):
        counts[chooser.choose([1], scores)] += 1
    torch.testing.assert_close(counts / 4000, scores.softmax(0), atol=0.03, rtol=0.0)


def test_a_seed_gives_the_same_choices() -> None:
    def choices(seed: int) -> list[int]:
        order = GenerationOrder(PROMPT, Sampling(do_sample=True, temperature=2.0, seed=seed))
        chooser = Chooser(order, ModelDefaults(), "cpu")
        return [chooser.choose([1], logits(step)) for step in range(8)]

    assert choices(5) == choices(5)
    assert choices(5) != choices(6)


def test_only_what_has_no_rules_is_plain() -> None:
    def plain(sampling: Sampling, **defaults: object) -> bool:
        chooser = Chooser(
            GenerationOrder(PROMPT, sampling),
            ModelDefaults(**defaults),  # type: ignore[arg-type]
            "cpu",
        )
        return chooser.plain

    assert plain(Sampling())
    assert not plain(Sampling(do_sample=True))
    assert not plain(Sampling(repetition_penalty=1.1))
    assert not plain(Sampling(), suppressed=(3,))
    assert not plain(Sampling(), no_repeat_ngram_size=2)


def test_what_a_checkpoint_forbids_is_not_chosen() -> None:
    scores = torch.tensor([5.0, 4.0, 3.0, 2.0, 1.0])
    defaults = ModelDefaults(suppressed=(0,), suppressed_first=(1,), bad_words=((2,),))
    chooser = Chooser(GenerationOrder(Prompt("", [4]), Sampling()), defaults, "cpu")
    assert chooser.choose([4], scores) == 3
    assert chooser.choose([4, 3], scores) == 1


def test_no_words_are_said_twice_where_a_checkpoint_says_so() -> None:
    defaults = ModelDefaults(no_repeat_ngram_size=2)
    chooser = Chooser(GenerationOrder(Prompt("", [1]), Sampling()), defaults, "cpu")
    scores = torch.tensor([0.0, 1.0, 2.0])
    assert chooser.choose([1, 2, 1], scores) == 1


def test_rows_of_all_kinds_are_chosen_at_once() -> None:
    rows = torch.stack([logits(1), logits(2)])
    greedy = Chooser(GenerationOrder(PROMPT, Sampling()), ModelDefaults(), "cpu")
    one = GenerationOrder(PROMPT, Sampling(do_sample=True, top_k=1, seed=0))
    sampled = Chooser(one, ModelDefaults(), "cpu")
    found = choose_tokens([(greedy, [1]), (sampled, [1])], rows)
    assert found == rows.argmax(-1).tolist()
