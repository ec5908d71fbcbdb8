from pathlib import Path
from typing import Any

import pytest
from transformers import WhisperTokenizer

from tests.checkpoints.hub_root import WHISPER
from tests.checkpoints.whisper_tokenizer import (
    NO_TIMESTAMPS_ID,
    TEXT_VOCABULARY_SIZE,
    VOCABULARY_SIZE,
    make_vocabulary,
)


@pytest.fixture(scope="module")
def tokenizer(hub_root: Path) -> Any:
    return WhisperTokenizer.from_pretrained(hub_root / WHISPER)


@pytest.mark.parametrize(
    ("token", "index"),
    [
        ("<|endoftext|>", 50257),
        ("<|startoftranscript|>", 50258),
        ("<|en|>", 50259),
        ("<|su|>", 50357),
        ("<|translate|>", 50358),
        ("<|transcribe|>", 50359),
        ("<|startofprev|>", 50361),
        ("<|notimestamps|>", 50363),
        ("<|0.00|>", 50364),
        ("<|30.00|>", 51864),
        ("Ġ", 220),
        ("!", 0),
    ],
)
def test_tokens_have_the_ids_of_multilingual_whisper(
    tokenizer: Any, token: str, index: int
) -> None:
    assert tokenizer.convert_tokens_to_ids(token) == index


def test_vocabulary_is_full(tokenizer: Any) -> None:
    assert len(tokenizer) == VOCABULARY_SIZE
    vocabulary, merges = make_vocabulary()
    assert len(vocabulary) == TEXT_VOCABULARY_SIZE
    assert all(first + second in vocabulary for first, second in merges)


@pytest.mark.parametrize("text", ["hello", " lada bu", "Grüße, 世界!", "a\nb"])
def test_any_text_comes_back(tokenizer: Any, text: str) -> None:
    ids = tokenizer(text, add_special_tokens=False).input_ids
    assert tokenizer.decode(ids) == text


def test_special_tokens_and_times_are_left_out_of_the_text(tokenizer: Any) -> None:
    word = tokenizer(" lada", add_special_tokens=False).input_ids
    ids = [50258, 50259, 50359, NO_TIMESTAMPS_ID + 1, *word, NO_TIMESTAMPS_ID + 51, 50257]
    assert tokenizer.decode(ids, skip_special_tokens=True) == " lada"
