import numpy as np
import pytest

from inference_svc.optimization.tolerance import Tolerance, judge

RNG = np.random.default_rng(5)
VECTORS = list(RNG.normal(size=(64, 32)))
TEXTS = "feature-extraction"
LABELS = "text-classification"


def noisy(scale: float) -> list[object]:
    return [v + RNG.normal(scale=scale, size=v.shape) for v in VECTORS]


def ranked(*scores: float) -> list[dict[str, object]]:
    entries = [{"label": f"L{n}", "score": s} for n, s in enumerate(scores)]
    return sorted(entries, key=lambda e: -float(str(e["score"])))


def test_equal_vectors_are_within() -> None:
    verdict = judge(TEXTS, VECTORS, VECTORS, Tolerance())
    assert verdict.within
    assert (verdict.max_error, verdict.measures["top10_overlap"]) == (0.0, 1.0)
    assert verdict.measures["min_cosine"] == pytest.approx(1.0)


def test_one_vector_that_points_elsewhere_is_too_much() -> None:
    results = [*VECTORS[:-1], -VECTORS[-1]]
    verdict = judge(TEXTS, VECTORS, results, Tolerance())
    assert not verdict.within
    assert verdict.measures["min_cosine"] == pytest.approx(-1.0)


def test_neighbours_that_change_are_too_much_though_cosines_are_high() -> None:
    verdict = judge(TEXTS, VECTORS, noisy(0.02), Tolerance(min_overlap=0.9999))
    assert verdict.measures["min_cosine"] > 0.999
    assert not verdict.within


def test_vectors_per_token_are_compared_one_by_one() -> None:
    tokens = [RNG.normal(size=(n, 8)) for n in (3, 5)]
    verdict = judge(TEXTS, tokens, tokens, Tolerance())
    assert verdict.within
    assert "top10_overlap" not in verdict.measures


def test_a_vector_of_nothing_but_nan_is_too_much() -> None:
    results = [*VECTORS[:-1], np.full(32, np.nan)]
    assert not judge(TEXTS, VECTORS, results, Tolerance()).within


def test_scores_are_compared_by_label_though_they_change_places() -> None:
    verdict = judge(LABELS, [ranked(0.6, 0.201, 0.199)], [ranked(0.6, 0.199, 0.201)], Tolerance())
    assert verdict.within
    assert verdict.max_error == pytest.approx(0.002)


def test_a_probability_that_moves_is_too_much() -> None:
    assert not judge(LABELS, [ranked(0.8, 0.2)], [ranked(0.78, 0.22)], Tolerance()).within


@pytest.mark.parametrize(("wrong", "within"), [(1, True), (2, False)])
def test_first_labels_must_be_the_same_on_nearly_all(wrong: int, within: bool) -> None:
    reference: list[object] = [ranked(0.501, 0.499)] * 200
    results = [*reference[wrong:], *([ranked(0.499, 0.501)] * wrong)]
    verdict = judge(LABELS, reference, results, Tolerance())
    assert verdict.within is within
    assert verdict.measures["same_answer"] == pytest.approx(1 - wrong / 200)


def sorted_into(**scores: float) -> dict[str, object]:
    """What zero-shot classification gives, the best label first."""
    labels = sorted(scores, key=lambda label: -scores[label])
    return {"sequence": "a", "labels": labels, "scores": [scores[label] for label in labels]}


@pytest.mark.parametrize(
    ("found", "within", "same"),
    [
        (sorted_into(news=0.6, art=0.199, sport=0.201), True, 1.0),
        (sorted_into(news=0.57, art=0.22, sport=0.21), False, 1.0),
        (sorted_into(art=0.6, news=0.2, sport=0.2), False, 0.0),
    ],
)
def test_labels_beside_their_scores_are_a_ranking(
    found: dict[str, object], within: bool, same: float
) -> None:
    reference: list[object] = [sorted_into(news=0.6, art=0.201, sport=0.199)]
    verdict = judge("zero-shot-classification", reference, [found], Tolerance())
    assert (verdict.within, verdict.measures["same_answer"]) == (within, same)


def test_texts_have_to_be_the_same() -> None:
    reference, results = [{"answer": "Rome", "score": 0.9}], [{"answer": "Paris", "score": 0.9}]
    assert not judge("question-answering", reference, results, Tolerance()).within


@pytest.mark.parametrize(("found", "within"), [(101.0, True), (103.0, False)])
def test_large_numbers_are_compared_relative_to_their_size(found: float, within: bool) -> None:
    reference, results = [np.array([100.0, 1.0])], [np.array([found, 1.0])]
    assert judge("tensor", reference, results, Tolerance()).within is within


def test_lists_of_other_lengths_differ() -> None:
    assert not judge("token-classification", [["a", 0.1]], [["a", 0.1, 0.2]], Tolerance()).within


def test_an_input_that_fails_only_in_one_is_too_much() -> None:
    assert not judge(TEXTS, VECTORS[:1], [ValueError("x")], Tolerance()).within


def test_an_input_that_fails_in_both_is_left_out() -> None:
    failing = [*VECTORS, ValueError("x")]
    assert judge(TEXTS, failing, failing, Tolerance()).within


def test_every_entity_of_a_text_counts() -> None:
    entities = [{"entity_group": "PER", "score": 0.9}, {"entity_group": "PER", "score": 0.4}]
    other = [{"entity_group": "PER", "score": 0.9}, {"entity_group": "LOC", "score": 0.4}]
    assert judge("token-classification", [entities], [entities], Tolerance()).max_error == 0
    assert not judge("token-classification", [entities], [other], Tolerance()).within
    assert not judge("token-classification", [entities], [entities[:1]], Tolerance()).within
