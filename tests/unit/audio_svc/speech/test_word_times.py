import pytest

from audio_svc.speech.base import SpokenWord
from audio_svc.speech.word_times import sounds, time_words


def test_word_lasts_from_its_first_sound_to_its_last() -> None:
    told = time_words("so it is", [0, 0, None, 1, None, 2], [1, 2, 3, 4, 5, 6], 0.5, start_s=1.0)
    assert told == (
        SpokenWord("so", 1.0, 2.5),
        SpokenWord("it", 4.0, 6.0),
        SpokenWord("is", 8.5, 11.5),
    )


def test_pause_within_a_word_is_part_of_it() -> None:
    assert time_words("dog,cat", [0, None, 0], [1, 2, 3], 1.0) == (SpokenWord("dog,cat", 0.0, 6.0),)


def test_what_takes_no_time_is_not_said() -> None:
    told = time_words("one two three", [0, None, 1, 2, 2], [2, 1, 0, 0, 3], 1.0)
    assert told == (SpokenWord("one", 0.0, 2.0), SpokenWord("three", 3.0, 6.0))


def test_every_sound_needs_its_length() -> None:
    with pytest.raises(ValueError, match="zip"):
        time_words("one", [0, 0], [1], 1.0)


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("«Dog»,", "Dog"),
        ("it's", "it's"),
        ("well-known.", "well-known"),
        ("(5)", "5"),
        ("नमस्ते।", "नमस्ते"),
        ("é!", "é"),
        ("™", "™"),
    ],
)
def test_word_is_told_without_the_signs_around_it(written: str, word: str) -> None:
    assert time_words(written, [0], [1], 1.0)[0].word == word


@pytest.mark.parametrize("sign", ["a", "É", "ß", "犬", "5", "\u0301", "\u094d"])
def test_letters_marks_and_numbers_are_said(sign: str) -> None:
    assert sounds(sign)


@pytest.mark.parametrize("sign", [" ", ",", "-", "–", "'", "_", "。"])
def test_signs_of_pauses_are_not(sign: str) -> None:
    assert not sounds(sign)
