"""What of a recording is given to the model at one time, and where in the file it was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from audio_svc.audio.silero import RATE_HZ, WINDOW
from audio_svc.audio.speech_spans import (
    WINDOWS_PER_S,
    Probabilities,
    Span,
    find_spans,
    split_long,
)
from audio_svc.transcription.base import Segment, Word


@dataclass(frozen=True, slots=True)
class Chunk:
    """Pieces of a recording that are heard as one, one after the other.

    Attributes:
        pieces: Start and end in samples, in order.
    """

    pieces: tuple[tuple[int, int], ...]
    rate_hz: int

    @property
    def end_s(self) -> float:
        return self.pieces[-1][1] / self.rate_hz

    def place(self, segment: Segment) -> Segment:
        """A segment of the chunk with the times it has in the file."""
        start_s = self._start_of(segment.start_s)
        return replace(
            segment,
            start_s=start_s,
            end_s=max(start_s, self._end_of(segment.end_s)),
            words=tuple(self._place_word(word) for word in segment.words),
        )

    def _place_word(self, word: Word) -> Word:
        start_s = self._start_of(word.start_s)
        return Word(word.word, start_s, max(start_s, self._end_of(word.end_s)))

    def _start_of(self, at_s: float) -> float:
        """At a joint a start belongs to the piece behind it."""
        left = at_s
        for start, end in self.pieces:
            length_s = (end - start) / self.rate_hz
            if left < length_s:
                return start / self.rate_hz + left
            left -= length_s
        return self.end_s

    def _end_of(self, at_s: float) -> float:
        """At a joint an end belongs to the piece before it."""
        left = at_s
        for start, end in self.pieces:
            length_s = (end - start) / self.rate_hz
            if left <= length_s:
                return start / self.rate_hz + left
            left -= length_s
        return self.end_s


def whole(count: int, rate_hz: int) -> list[Chunk]:
    """A recording of ``count`` samples as one chunk."""
    return [Chunk(((0, count),), rate_hz)]


def plan_speech(
    probabilities: Probabilities, count: int, rate_hz: int, most_s: float
) -> list[Chunk]:
    """The speech alone, in chunks of at most ``most_s``; none where there is no speech."""
    most = int(most_s * WINDOWS_PER_S)
    spans = (
        part for span in find_spans(probabilities) for part in split_long(span, probabilities, most)
    )
    return [_chunk(group, count, rate_hz) for group in _fill(spans, most)]


def plan_all(probabilities: Probabilities, count: int, rate_hz: int, most_s: float) -> list[Chunk]:
    """Everything, cut at pauses into chunks of at most ``most_s``."""
    parts = split_long(Span(0, len(probabilities)), probabilities, int(most_s * WINDOWS_PER_S))
    return [_chunk([part], count, rate_hz) for part in parts]


def _fill(spans: Iterable[Span], most: int) -> list[list[Span]]:
    """Neighbours together, as many as there is room for: a model's window costs the same full."""
    groups: list[list[Span]] = []
    room = 0
    for span in spans:
        if not groups or span.length > room:
            groups.append([])
            room = most
        groups[-1].append(span)
        room -= span.length
    return groups


def _chunk(spans: Sequence[Span], count: int, rate_hz: int) -> Chunk:
    scale = WINDOW * rate_hz / RATE_HZ
    pieces = ((int(one.start * scale), min(count, int(one.end * scale))) for one in spans)
    return Chunk(tuple(pieces), rate_hz)
