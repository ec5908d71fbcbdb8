from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import WhisperTokenizer

from audio_svc.transcription.base import Segment
from audio_svc.transcription.whisper_segments import SegmentReader
from audio_svc.transcription.whisper_steps import TokenLog

ZERO = 50364  # The token of 0.00 s.
END = 50257


@pytest.fixture(scope="module")
def tokenizer(whisper_folder: Path) -> Any:
    return WhisperTokenizer.from_pretrained(whisper_folder)


def read(
    tokenizer: Any, segments: list[dict[str, Any]], duration_s: float, *, words: bool = False
) -> list[Segment]:
    log = TokenLog(lambda: None)
    for _ in segments:
        log(torch.tensor([[0, 0]]), torch.zeros(1, 8))
    return SegmentReader(tokenizer, log, "en", 0.5).read(segments, duration_s, words=words)


def segment(ids: list[int], start: float, end: float, **more: Any) -> dict[str, Any]:
    return {
        "tokens": torch.tensor(ids),
        "start": torch.tensor(start),
        "end": torch.tensor(end),
        "result": object(),
        **more,
    }


def word_ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    return ids


def test_text_is_without_special_tokens_and_tokens_are_the_texts(tokenizer: Any) -> None:
    ids = word_ids(tokenizer, " lada bu")
    (made,) = read(tokenizer, [segment([ZERO, *ids, ZERO + 50], 0.0, 1.0)], 2.0)
    assert made.text == " lada bu"
    assert list(made.tokens) == ids
    assert made.language == "en"
    assert made.language_probability == 0.5


def test_end_is_never_after_the_recordings(tokenizer: Any) -> None:
    ids = word_ids(tokenizer, " lada")
    (made,) = read(tokenizer, [segment(ids, 0.0, 30.0)], 1.25)
    assert made.end_s == 1.25


def test_what_is_said_of_the_padding_is_left_out(tokenizer: Any) -> None:
    ids = word_ids(tokenizer, " lada")
    made = read(tokenizer, [segment(ids, 0.0, 1.0), segment(ids, 2.0, 3.0)], 2.0)
    assert len(made) == 1


def test_segment_without_text_is_left_out(tokenizer: Any) -> None:
    assert read(tokenizer, [segment([ZERO, ZERO + 50, END], 0.0, 1.0)], 2.0) == []


def test_words_last_from_the_token_before_to_their_own(tokenizer: Any) -> None:
    first, second = word_ids(tokenizer, " lada"), word_ids(tokenizer, " bu")
    ids = [ZERO, *first, *second, ZERO + 50]
    times = [1.0, *[1.5] * len(first), *[1.75] * len(second), 1.75]
    given = segment(ids, 1.0, 2.0, token_timestamps=torch.tensor(times))
    (made,) = read(tokenizer, [given], 5.0, words=True)
    assert [word.word for word in made.words] == ["lada", "bu"]
    assert (made.words[0].start_s, made.words[0].end_s) == (1.0, 1.5)
    assert (made.words[1].start_s, made.words[1].end_s) == (1.5, 1.75)
