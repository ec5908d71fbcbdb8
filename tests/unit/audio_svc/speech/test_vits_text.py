from pathlib import Path
from typing import Any

import pytest
from transformers import VitsTokenizer

from audio_svc.speech.vits_text import VitsText
from fleetserve.errors import InvalidFieldError
from tests.checkpoints.vits import write_mms_korean, write_vits


@pytest.fixture(scope="module")
def korean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("korean")
    write_mms_korean(folder)
    return folder


def library(folder: Path, text: str) -> list[int]:
    tokenizer: Any = VitsTokenizer.from_pretrained(folder)
    ids: list[int] = tokenizer(text).input_ids
    return ids


@pytest.mark.parametrize("text", ["안녕하세요 세계", "Hello 세계!", "Annyeong"])
def test_other_scripts_are_romanised_as_the_library_does(korean: Path, text: str) -> None:
    tokens = VitsText(korean).read(text)
    assert tokens.ids == library(korean, text)
    assert len(tokens.ids) > 9
    assert tokens.places == spread(places_by_spaces(korean, tokens.ids))


def places_by_spaces(folder: Path, ids: list[int]) -> list[int | None]:
    """Of each romanised letter: how many spaces there are before it."""
    tokenizer: Any = VitsTokenizer.from_pretrained(folder)
    letters = tokenizer.convert_ids_to_tokens(ids)[1::2]
    return [
        None if letter == " " else letters[:place].count(" ")
        for place, letter in enumerate(letters)
    ]


def spread(places: list[int | None]) -> list[int | None]:
    """As tokens: a blank before all, and one behind each."""
    return [None, *(place for place in places for _ in range(2))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi! THERE", [0, 0, None, 1, 1, 1, 1, 1]),
        ("日本 hi a", [1, 1, None, 2]),
        ("hi 日本 a", [0, 0, None, None, 2]),
        ("a 日本", [0]),
        ("Hi-fi", [0, 0, None, 0, 0]),
    ],
)
def test_each_token_knows_its_word(tmp_path: Path, text: str, expected: list[int | None]) -> None:
    write_vits(tmp_path)
    tokens = VitsText(tmp_path).read(text)
    assert tokens.ids == library(tmp_path, text)
    assert tokens.places == spread(expected)


def test_letters_are_lowered_and_others_left_out(tmp_path: Path) -> None:
    write_vits(tmp_path)
    assert VitsText(tmp_path).read("Hi! THERE").ids == library(tmp_path, "hi there")


def test_text_without_a_known_character_is_refused(tmp_path: Path) -> None:
    write_vits(tmp_path)
    with pytest.raises(InvalidFieldError, match="alphabet"):
        VitsText(tmp_path).read("日本!")
