"""Where a recording has speech, from the probability of each window."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio_svc.audio.silero import RATE_HZ, WINDOW

Probabilities = NDArray[np.float32]

SPEECH = 0.5  # From here on a window begins speech; Silero's own value.
QUIET = 0.35  # Below it a window may end it.
WINDOWS_PER_S = RATE_HZ / WINDOW
PAUSE = round(0.5 * WINDOWS_PER_S)  # Shorter pauses belong to the speech around them.
SHORTEST = round(0.2 * WINDOWS_PER_S)  # Clicks and knocks are shorter than any word.
PAD = round(0.2 * WINDOWS_PER_S)  # Kept on both sides: soft beginnings and ends.


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` until before ``end``, in windows of 32 ms."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


class SpeechGate:
    """Follows the probabilities of a stream: tells where speech begins and where it has ended.

    Args:
        pause: Windows of quiet that end it.
    """

    def __init__(self, pause: int = PAUSE) -> None:
        self._pause = pause
        self._quiet: int | None = None
        self._place = 0
        self.start: int | None = None

    def push(self, probability: float) -> Span | None:
        """The speech that has ended with this window, if it has."""
        place = self._place
        self._place += 1
        if probability >= SPEECH:
            self._quiet = None
            if self.start is None:
                self.start = place
        elif self.start is not None and (probability < QUIET or self._quiet is not None):
            if self._quiet is None:
                self._quiet = place
            if place - self._quiet + 1 >= self._pause:
                return self.finish()
        return None

    def finish(self) -> Span | None:
        """The speech that is still going on, at the end of the stream."""
        start, end = self.start, self._quiet if self._quiet is not None else self._place
        self.start = self._quiet = None
        return Span(start, end) if start is not None and end - start >= SHORTEST else None


def find_spans(probabilities: Probabilities) -> list[Span]:
    """Spans of speech in order, each with a little of what is around it; they never overlap."""
    gate = SpeechGate()
    found = [gate.push(one) for one in probabilities.tolist()]
    spans = [one for one in (*found, gate.finish()) if one is not None]
    if not spans:
        return []
    bounds = [0, *((a.end + b.start) // 2 for a, b in pairwise(spans))]
    bounds.append(len(probabilities))
    return [
        Span(max(low, span.start - PAD), min(high, span.end + PAD))
        for span, (low, high) in zip(spans, pairwise(bounds), strict=True)
    ]


def split_long(span: Span, probabilities: Probabilities, most: int) -> list[Span]:
    """Parts of at most ``most`` windows, cut where speech is least likely in the last third."""
    parts = []
    start = span.start
    while span.end - start > most:
        first = start + max(1, 2 * most // 3)
        cut = first + int(np.argmin(probabilities[first : start + most]))
        parts.append(Span(start, cut))
        start = cut
    return [*parts, Span(start, span.end)]
