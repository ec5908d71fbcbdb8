import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_svc.sentences import (
    BREATH_CHARS,
    CLAUSE_PAUSE_S,
    SENTENCE_CHARS,
    SENTENCE_PAUSE_S,
    split_text,
)

MAX_CHARS = 400


def sentence(words: int, end: str = ".") -> str:
    return " ".join(["word"] * words) + end


def test_short_text_is_one_breath_whatever_its_sentences() -> None:
    breaths = split_text("One. Two!  Three?\nFour.", MAX_CHARS)
    assert [one.text for one in breaths] == ["One. Two! Three? Four."]
    assert breaths[0].pause_s == 0.0


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_blank_text_has_no_breath(text: str) -> None:
    assert split_text(text, MAX_CHARS) == []


def test_long_text_is_split_where_sentences_end() -> None:
    text = f"{sentence(30)} {sentence(30, '!')} {sentence(30, '?')}"
    breaths = split_text(text, MAX_CHARS)
    assert [one.text[-1] for one in breaths] == [".", "!", "?"]
    assert [one.pause_s for one in breaths] == [SENTENCE_PAUSE_S, SENTENCE_PAUSE_S, 0.0]


def test_short_sentences_share_a_breath() -> None:
    breaths = split_text(" ".join([sentence(8)] * 12), MAX_CHARS)
    assert all(len(one.text) <= BREATH_CHARS for one in breaths)
    assert len(breaths) < 12


def test_sentences_can_be_a_breath_each() -> None:
    breaths = split_text("One. Two!  Three?", MAX_CHARS, SENTENCE_CHARS)
    assert [one.text for one in breaths] == ["One.", "Two!", "Three?"]
    assert [one.pause_s for one in breaths] == [SENTENCE_PAUSE_S, SENTENCE_PAUSE_S, 0.0]


@pytest.mark.parametrize("short", ["Dr.", "e.g.", "J.", "Mrs."])
def test_abbreviation_ends_no_sentence(short: str) -> None:
    text = f"{sentence(35)[:-1]} {short} Smith {sentence(30)}"
    first = split_text(text, MAX_CHARS)[0].text
    assert not first.endswith(short)


def test_overlong_sentence_is_cut_at_a_clause() -> None:
    clause = " ".join(["word"] * 30)
    breaths = split_text(f"{clause}, {clause}; {clause}, {clause}.", MAX_CHARS)
    assert breaths[0].text[-1] in ",;"
    assert breaths[0].pause_s == CLAUSE_PAUSE_S


def test_word_longer_than_a_breath_is_cut() -> None:
    breaths = split_text("x" * 1000, MAX_CHARS)
    assert "".join(one.text for one in breaths) == "x" * 1000


@given(
    st.text(alphabet=st.sampled_from("ab .,!?;\n\"'Mr"), max_size=3000),
    st.integers(min_value=20, max_value=600),
)
def test_nothing_is_lost_and_every_breath_fits(text: str, max_chars: int) -> None:
    breaths = split_text(text, max_chars)
    spoken = "".join("".join(one.text.split()) for one in breaths)
    assert spoken == "".join(text.split())
    assert all(0 < len(one.text) <= max_chars for one in breaths)
