"""On windows whose words are their tokens, so that places can be counted by hand."""

import numpy as np
import pytest
from tokenizers import Encoding, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing

from inference_svc.engine.answer_spans import WindowScores, best_spans

WORDS = ("[C]", "[S]", "q", "a", "b", "c", "d")


@pytest.fixture
def encoding() -> Encoding:
    """Tokens [C] q [S] a b c d [S]; the context's characters are 0 to 7."""
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[S]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(
        pair="[C] $A [S] $B:1 [S]:1", special_tokens=[("[C]", 0), ("[S]", 1)]
    )
    return tokenizer.encode("q", "a b c d")


def scores(start: dict[int, float], end: dict[int, float], size: int = 8) -> WindowScores:
    """Logits 0, but for those that are given."""
    made = [np.zeros(size, dtype=np.float32) for _ in range(2)]
    for array, given in zip(made, (start, end), strict=True):
        for place, value in given.items():
            array[place] = value
    return WindowScores(*made)


DEFAULTS = {"longest": 15, "count": 1, "impossible": False, "whole_words": True}


def test_the_likeliest_start_and_end_make_the_span(encoding: Encoding) -> None:
    found = best_spans([encoding], [scores({4: 9.0}, {5: 9.0})], **DEFAULTS)  # type: ignore[arg-type]
    assert [(one.start, one.end) for one in found] == [(2, 5)]
    share = np.exp(9) / (np.exp(9) + 3)
    assert found[0].score == pytest.approx(share**2)


def test_question_and_special_tokens_are_never_in_it(encoding: Encoding) -> None:
    high = {0: 50.0, 1: 50.0, 2: 50.0, 7: 50.0}
    found = best_spans([encoding], [scores(high, high)], **{**DEFAULTS, "count": 99})  # type: ignore[arg-type]
    assert len(found) == 10
    assert all(0 <= one.start < one.end <= 7 for one in found)


def test_an_end_before_its_start_or_too_far_is_none(encoding: Encoding) -> None:
    backwards = scores({6: 9.0}, {3: 9.0})
    found = best_spans([encoding], [backwards], **{**DEFAULTS, "longest": 2, "count": 99})  # type: ignore[arg-type]
    assert all(one.end - one.start <= 3 for one in found)
    assert found[0].start < found[0].end


def test_windows_compete_and_a_span_in_two_counts_once(encoding: Encoding) -> None:
    windows = [scores({3: 1.0}, {3: 1.0}), scores({6: 5.0}, {6: 5.0})]
    found = best_spans([encoding] * 2, windows, **{**DEFAULTS, "count": 99})  # type: ignore[arg-type]
    assert (found[0].start, found[0].end) == (6, 7)
    places = [(one.start, one.end) for one in found]
    assert len(places) == len(set(places)) == 10
    assert sum(one.score for one in found) < 1.0


def test_no_answer_is_one_only_where_it_may_be(encoding: Encoding) -> None:
    nothing = scores({0: 9.0}, {0: 9.0})
    found = best_spans([encoding], [nothing], **{**DEFAULTS, "impossible": True})  # type: ignore[arg-type]
    assert (found[0].start, found[0].end) == (0, 0)
    found = best_spans([encoding], [nothing], **DEFAULTS)  # type: ignore[arg-type]
    assert found[0].end > 0


def test_no_answer_is_the_whole_only_if_every_window_says_so(encoding: Encoding) -> None:
    windows = [scores({0: 9.0}, {0: 9.0}), scores({4: 9.0}, {4: 9.0})]
    found = best_spans([encoding] * 2, windows, **{**DEFAULTS, "impossible": True})  # type: ignore[arg-type]
    assert (found[0].start, found[0].end) == (2, 3)
