import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_svc.audio.speech_spans import PAD, PAUSE, SHORTEST, Span, find_spans, split_long


def likely(*parts: tuple[int, float]) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.concatenate([np.full(count, value, np.float32) for count, value in parts])


def test_speech_is_found_with_a_little_around_it() -> None:
    found = find_spans(likely((100, 0.0), (50, 0.9), (100, 0.0)))
    assert found == [Span(100 - PAD, 150 + PAD)]


def test_short_pause_belongs_to_the_speech_and_a_long_one_does_not() -> None:
    short = find_spans(likely((20, 0.9), (PAUSE - 1, 0.1), (20, 0.9)))
    long = find_spans(likely((20, 0.9), (PAUSE, 0.1), (20, 0.9)))
    assert len(short) == 1
    assert len(long) == 2


def test_a_click_is_no_speech() -> None:
    assert find_spans(likely((50, 0.0), (SHORTEST - 1, 1.0), (50, 0.0))) == []


def test_doubt_goes_on_with_speech_but_does_not_begin_it() -> None:
    assert find_spans(likely((100, 0.45))) == []
    assert find_spans(likely((10, 0.9), (90, 0.45))) == [Span(0, 100)]


def test_long_speech_is_cut_where_it_is_least_likely() -> None:
    probabilities = np.ones(100, np.float32)
    probabilities[50] = 0.2
    assert split_long(Span(0, 100), probabilities, 60) == [Span(0, 50), Span(50, 100)]


@given(st.lists(st.floats(0.0, 1.0, width=32), max_size=300), st.integers(2, 40))
def test_spans_keep_order_and_bounds(values: list[float], most: int) -> None:
    probabilities = np.array(values, np.float32)
    spans = find_spans(probabilities)
    edges = [edge for one in spans for edge in (one.start, one.end)]
    assert edges == sorted(edges)
    assert all(0 <= one.start < one.end <= len(values) for one in spans)
    for span in spans:
        parts = split_long(span, probabilities, most)
        assert all(0 < part.length <= most for part in parts)
        assert (parts[0].start, parts[-1].end) == (span.start, span.end)
        assert sum(part.length for part in parts) == span.length


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_gives_nothing(count: int) -> None:
    assert find_spans(np.zeros(count, np.float32)) == []
