import itertools
import math

import numpy as np
import pytest

from audio_svc.transcription.tiny_words import Scores, WordBook, logprob_of, spell_out

LETTERS = "_ abcdeghlorstuw"


def written(steps: str, sure: float = 0.9) -> Scores:
    """Log-probabilities of an ear that is so sure of a letter in each step."""
    rest = (1 - sure) / (len(LETTERS) - 1)
    scores = np.full((len(steps), len(LETTERS)), math.log(rest), np.float32)
    for step, letter in enumerate(steps):
        scores[step, LETTERS.index(letter)] = math.log(sure)
    return scores


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("cca_t__", ["cat"]),
        ("_ta_lll_l ", ["tall"]),
        ("the  cat", ["the", "cat"]),
        ("_ _a_ _", ["a"]),
        ("____", []),
        (" ", []),
    ],
)
def test_letters_are_collapsed_into_words(steps: str, expected: list[str]) -> None:
    assert [word.text for word in spell_out(written(steps), LETTERS)] == expected


def test_words_know_their_steps() -> None:
    first, second = spell_out(written("_tt_he__ ca_t_"), LETTERS)
    assert (first.first, first.last) == (1, 5)
    assert (second.first, second.last) == (9, 12)


def test_forward_sum_counts_every_way_to_write_the_letters() -> None:
    scores = np.log(np.random.default_rng(0).dirichlet(np.ones(4), 5)).astype(np.float32)
    for codes in ([1], [1, 2], [2, 2], [1, 3, 1]):
        total = 0.0
        for path in itertools.product(range(4), repeat=5):
            kept = [code for code, _ in itertools.groupby(path) if code]
            if kept == codes:
                total += math.exp(sum(scores[step, code] for step, code in enumerate(path)))
        assert logprob_of(codes, scores) == pytest.approx(math.log(total), abs=1e-4)


def test_more_letters_than_steps_can_not_be() -> None:
    assert logprob_of([1, 1, 1], np.zeros((3, 4), np.float32)) < -1e6


@pytest.fixture
def book() -> WordBook:
    return WordBook(["the", "house", "horse", "he", "hears", "cat"], LETTERS)


def test_word_that_sounds_like_it_is_chosen(book: WordBook) -> None:
    text, logprob = book.choose("hows", written("_h_o_w_s_", sure=0.6))
    assert text in {"house", "horse"}
    assert logprob < 0


def test_known_word_that_was_heard_stays(book: WordBook) -> None:
    assert book.choose("horse", written("_h_o_r_s_e_"))[0] == "horse"


def test_unknown_word_stays_when_no_known_one_is_near(book: WordBook) -> None:
    assert book.choose("otter", written("_o_t_t_e_r_"))[0] == "otter"


def test_clearly_heard_unknown_word_is_not_bent(book: WordBook) -> None:
    assert book.choose("cats", written("_c_a_t_s_", sure=0.9999999))[0] == "cats"


def test_monstrous_word_passes(book: WordBook) -> None:
    assert book.choose("ab" * 30, written("a_b_" * 30))[0] == "ab" * 30
