from itertools import combinations_with_replacement

import numpy as np
import pytest

from audio_svc.speech.tacotron2_alignment import follow_text

TOKENS, FRAMES = 4, 6


@pytest.mark.parametrize("seed", range(5))
def test_way_is_the_best_of_all_that_never_go_back(seed: int) -> None:
    attention = np.random.default_rng(seed).random((FRAMES, TOKENS), np.float32)
    ways = combinations_with_replacement(range(TOKENS), FRAMES)
    best = max(ways, key=lambda way: sum(attention[place] for place in enumerate(way)))
    assert follow_text(attention) == [best.count(token) for token in range(TOKENS)]


@pytest.fixture
def steady() -> np.ndarray:
    """Five tokens of four frames each."""
    return np.eye(5, dtype=np.float32).repeat(4, 0) * 0.8 + 0.04


def test_steady_attention_is_followed(steady: np.ndarray) -> None:
    assert follow_text(steady) == [4] * 5


def test_glance_ahead_or_back_moves_nothing(steady: np.ndarray) -> None:
    steady[[3, 16], :] = steady[[19, 0], :]
    steady[3, 0] += 0.01
    steady[16, 4] += 0.01
    assert follow_text(steady) == [4] * 5


def test_token_that_is_never_attended_is_passed_over(steady: np.ndarray) -> None:
    assert follow_text(np.delete(steady, np.s_[4:8], 0)) == [4, 0, 4, 4, 4]


def test_text_that_was_cut_ends_where_the_attention_is(steady: np.ndarray) -> None:
    assert follow_text(steady[:10]) == [4, 4, 2, 0, 0]
