import itertools
import math

import numpy as np
import pytest

from audio_svc.transcription.tiny_words import Scores, WordBook, align, place_words, spell_out
from fleetserve.replica.stepwise import run_to_end

LETTERS = "_ abcdeghlorstuw"


def written(steps: str, sure: float = 0.9) -> Scores:
    """Log-probabilities of an ear that is so sure of a letter in each step."""
    rest = (1 - sure) / (len(LETTERS) - 1)
    scores = np.full((len(steps), len(LETTERS)), math.log(rest), np.float32)
    for step, letter in enumerate(steps):
        scores[step, LETTERS.index(letter)] = math.log(sure)
    return scores


@pytest.fixture
def book() -> WordBook:
    return WordBook(["the", "house", "horse", "he", "hears", "cat", "red", "book"], LETTERS + "k")


def read(book: WordBook, scores: Scores) -> str:
    return run_to_end(book.read(np.pad(scores, ((0, 0), (0, 1)), constant_values=-20.0)))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("cca_t__", "cat"),
        ("_ta_lll_l ", "tall"),
        ("the  cat", "the cat"),
        ("_ _a_ _", "a"),
        ("____", ""),
        (" ", ""),
    ],
)
def test_letters_are_collapsed(steps: str, expected: str) -> None:
    assert spell_out(written(steps), LETTERS) == expected


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("_h_o_r_s_e_", "horse"),
        ("_t_h_e_ c_a_t_", "the cat"),
        ("____", ""),
        (" _ ", ""),
    ],
)
def test_what_was_clearly_heard_is_read(book: WordBook, steps: str, expected: str) -> None:
    assert read(book, written(steps)) == expected


def test_known_word_that_sounds_like_it_is_read(book: WordBook) -> None:
    assert read(book, written("_h_o_w_s_e_", sure=0.6)) in {"house", "horse"}


def test_words_without_a_gap_are_parted(book: WordBook) -> None:
    assert read(book, written("_h_e_r_e_d_", sure=0.5)) == "he red"


def test_clearly_heard_unknown_word_stays(book: WordBook) -> None:
    assert read(book, written("_c_a_t_s_", sure=0.9999999)) == "cats"
    assert read(book, written("_o_t_t_e_r_ h_e_", sure=0.9999999)) == "otter he"


def test_search_rests_on_the_way(book: WordBook) -> None:
    assert len(list(book.read(np.pad(written("_" * 200), ((0, 0), (0, 1)))))) == 5


def test_alignment_is_the_likeliest_of_all() -> None:
    scores = np.log(np.random.default_rng(0).dirichlet(np.ones(4), 6)).astype(np.float32)
    for codes in ([1], [1, 2], [2, 2], [1, 3, 1]):
        paths = [
            path
            for path in itertools.product(range(4), repeat=6)
            if [code for code, _ in itertools.groupby(path) if code] == codes
        ]
        best = max(paths, key=lambda path: sum(scores[s, c] for s, c in enumerate(path)))
        begins = [s for s, c in enumerate(best) if c and (s == 0 or best[s - 1] != c)]
        assert align(codes, scores) == begins


def test_words_know_their_steps() -> None:
    first, second = place_words("the cat", written("_tt_he__ ca_t_"), LETTERS)
    assert (first.text, first.first, first.last) == ("the", 1, 5)
    assert (second.text, second.first, second.last) == ("cat", 9, 12)
    assert first.logprob == pytest.approx(3 * math.log(0.9), abs=1e-5)


def test_no_text_is_no_words() -> None:
    assert place_words("", written("___"), LETTERS) == []
