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
    ids = VitsText(korean).ids(text)
    assert ids == library(korean, text)
    assert len(ids) > 9


def test_letters_are_lowered_and_others_left_out(tmp_path: Path) -> None:
    write_vits(tmp_path)
    assert VitsText(tmp_path).ids("Hi! THERE") == library(tmp_path, "hi there")


def test_text_without_a_known_character_is_refused(tmp_path: Path) -> None:
    write_vits(tmp_path)
    with pytest.raises(InvalidFieldError, match="alphabet"):
        VitsText(tmp_path).ids("日本!")
