"""Reads the segments that Whisper's generate() returns."""

from collections.abc import Iterator, Sequence
from typing import Any

from transformers.models.whisper.tokenization_whisper import (
    LANGUAGES,
    _combine_tokens_into_words,
)

from audio_svc.transcription.base import Segment, Word
from audio_svc.transcription.whisper_steps import TokenLog


class SegmentReader:
    """Turns the library's segments into the port's.

    Args:
        log: The probabilities noted on the way.
    """

    def __init__(
        self,
        tokenizer: Any,
        log: TokenLog,
        language: str,
        probability: float | None,
        temperature: float = 0.0,
    ) -> None:
        self._tokenizer = tokenizer
        self._log = log
        self._language = language
        self._probability = probability
        self._temperature = temperature

    def read(
        self, segments: Sequence[dict[str, Any]], duration_s: float, *, words: bool
    ) -> list[Segment]:
        """What was said in the first ``duration_s`` seconds; beyond it there is only padding."""
        found = []
        for segment, window, before in _in_windows(segments):
            start_s = float(segment["start"])
            if start_s >= duration_s:
                continue
            ids = segment["tokens"].tolist()
            end_s = min(float(segment["end"]), duration_s)
            text = self._tokenizer.decode(ids, skip_special_tokens=True)
            if not text.strip():
                continue
            spoken = [token for token in ids if token < self._tokenizer.eos_token_id]
            timed = self._words(segment, duration_s) if words else ()
            found.append(
                Segment(
                    start_s=start_s,
                    end_s=max(start_s, end_s),
                    text=text,
                    avg_logprob=self._log.mean(window, [*before, *ids], len(before)),
                    language=self._language,
                    language_probability=self._probability,
                    tokens=tuple(spoken),
                    words=timed,
                    temperature=self._temperature,
                )
            )
        return found

    def _words(self, segment: dict[str, Any], duration_s: float) -> tuple[Word, ...]:
        """Tokens joined to words; a token lasts from the one before it to its own time."""
        times = segment["token_timestamps"].tolist()
        starts = [float(segment["start"]), *times[:-1]]
        kept = [
            (token, start, end)
            for token, start, end in zip(segment["tokens"].tolist(), starts, times, strict=True)
            if token < self._tokenizer.eos_token_id
        ]
        texts, _tokens, indices = _combine_tokens_into_words(
            self._tokenizer, [token for token, _start, _end in kept], LANGUAGES.get(self._language)
        )
        words = []
        for text, places in zip(texts, indices, strict=True):
            start_s = min(kept[places[0]][1], duration_s)
            end_s = min(max(kept[places[-1]][2], start_s), duration_s)
            words.append(Word(text.strip(), round(start_s, 3), round(end_s, 3)))
        return tuple(word for word in words if word.word)


def _in_windows(
    segments: Sequence[dict[str, Any]],
) -> Iterator[tuple[dict[str, Any], int, list[int]]]:
    """Each segment with its window's number and the window's tokens before it.

    Segments of one window share the result they were cut from.
    """
    window, result = -1, None
    before: list[int] = []
    for segment in segments:
        if segment["result"] is not result:
            window, result, before = window + 1, segment["result"], []
        yield segment, window, before
        before = [*before, *segment["tokens"].tolist()]
