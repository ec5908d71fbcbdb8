from inference_svc.optimization.held_samples import (
    ENOUGH,
    RecentInputs,
    built_in_texts,
    sample_texts,
)


def test_built_in_texts_are_enough_different_and_of_mixed_lengths() -> None:
    texts = built_in_texts()
    assert len(set(texts)) == len(texts) >= ENOUGH
    words = sorted(len(text.split()) for text in texts)
    assert words[0] <= 3
    assert words[-1] >= 100


def test_without_requests_the_built_in_texts_are_used() -> None:
    assert set(sample_texts(RecentInputs())) <= set(built_in_texts())
    assert len(sample_texts(RecentInputs())) == ENOUGH


def test_what_was_asked_is_among_the_samples() -> None:
    recent = RecentInputs()
    recent.note(["mine"])
    texts = sample_texts(recent)
    assert "mine" in texts
    assert len(texts) == ENOUGH


def test_enough_requests_are_all_that_is_used() -> None:
    recent = RecentInputs()
    recent.note([f"text {n}" for n in range(300)])
    assert sample_texts(recent) == [f"text {n}" for n in range(300 - ENOUGH, 300)]


def test_only_the_last_texts_are_kept_each_once_and_none_that_is_huge() -> None:
    recent = RecentInputs()
    recent.note(["same"] * 3 + ["x" * 100_000] + [[1.0]])
    assert recent.texts() == ["same"]
    recent.note([str(n) for n in range(1000)])
    assert len(recent.texts()) == 512
