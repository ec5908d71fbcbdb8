"""Reads what CTranslate2's Whisper returns: token ids, and which frame each token is heard in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers.models.whisper.tokenization_whisper import (
    LANGUAGES,
    _combine_tokens_into_words,
)

from audio_svc.transcription.base import Word

TICK_S = 0.02  # Of a timestamp token, and of a frame that the decoder sees.


@dataclass(frozen=True, slots=True)
class Stretch:
    """The text tokens between two timestamps."""

    start_s: float
    end_s: float
    tokens: tuple[int, ...]


def split_at_times(ids: Sequence[int], first_time: int, duration_s: float) -> list[Stretch]:
    """What was said in ``duration_s`` seconds: beyond them there is only padding.

    first_time: The id of <|0.00|>; ids below it are text.
    """
    found: list[Stretch] = []
    start_s = 0.0
    tokens: list[int] = []
    for token in (*ids, None):
        if token is not None and token < first_time:
            tokens.append(token)
            continue
        at_s = duration_s if token is None else min(duration_s, (token - first_time) * TICK_S)
        if tokens and start_s < duration_s:
            found.append(Stretch(start_s, max(start_s, at_s), tuple(tokens)))
        start_s, tokens = at_s, []
    return found


def words_of(
    tokenizer: Any,
    tokens: Sequence[int],
    alignment: Sequence[tuple[int, int]],
    language: str,
    duration_s: float,
) -> list[tuple[int, Word]]:
    """The words of text tokens, each with how many tokens it has.

    alignment: Pairs of token and frame, in order; a token lasts until the next one begins.
    """
    begins: dict[int, int] = {}
    for token, frame in alignment:
        begins.setdefault(token, frame)
    texts, _tokens, places = _combine_tokens_into_words(
        tokenizer, list(tokens), LANGUAGES.get(language)
    )
    found = []
    for text, own in zip(texts, places, strict=True):
        start_s = min(begins.get(own[0], 0) * TICK_S, duration_s)
        end = begins.get(own[-1] + 1)
        end_s = duration_s if end is None else min(end * TICK_S, duration_s)
        word = Word(text.strip(), round(start_s, 3), round(max(start_s, end_s), 3))
        found.append((len(own), word))
    return found
