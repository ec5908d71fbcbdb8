"""A stream of sound, heard while it comes: partial texts in speech, a final one at its end."""

from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_svc.audio.decoding import resample
from audio_svc.audio.silero import RATE_HZ, WINDOW, SpeechMeter
from audio_svc.audio.speech_spans import PAD, WINDOWS_PER_S, SpeechGate
from audio_svc.transcription.base import Samples, Segment

PAUSE = round(0.6 * WINDOWS_PER_S)  # Of quiet, that ends an utterance.
PARTIAL_EVERY_S = 1.0
SHARE = 0.5  # Of the time that partial texts may take: a slow model makes fewer.

Transcribe = Callable[[Samples], Coroutine[Any, Any, list[Segment]]]


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said between two pauses, so far or to its end.

    Attributes:
        start_s, end_s: From the start of the stream.
        segments: Their times count from ``start_s``.
    """

    start_s: float
    end_s: float
    segments: tuple[Segment, ...]
    final: bool

    @property
    def text(self) -> str:
        return "".join(one.text for one in self.segments).strip()


class LiveHearing:
    """One stream; its memory is bounded by the longest utterance.

    Args:
        transcribe: 16 kHz samples to what was said; awaited, so that sound that comes too fast
            waits at its source.
        rate_hz: Of what is pushed.
        longest_s: An utterance that goes on longer is cut.
        now_s: Monotonic.
    """

    def __init__(
        self,
        transcribe: Transcribe,
        rate_hz: int,
        longest_s: float,
        now_s: Callable[[], float],
    ) -> None:
        self._transcribe = transcribe
        self._rate_hz = rate_hz
        self._longest = int(longest_s * WINDOWS_PER_S)
        self._now_s = now_s
        self._meter = SpeechMeter()
        self._gate = SpeechGate(PAUSE)
        self._rest: Samples = np.zeros(0, np.float32)
        self._kept: list[Samples] = []  # Windows from self._first on.
        self._first = 0
        self._next_partial = 0.0

    async def push(self, pcm: NDArray[np.int16]) -> AsyncIterator[Utterance]:
        """The next of the stream, any length."""
        samples = resample(pcm.astype(np.float32) / 32768.0, self._rate_hz, RATE_HZ)
        whole = np.concatenate([self._rest, samples])
        count = len(whole) // WINDOW * WINDOW
        self._rest = whole[count:]
        probabilities = self._meter.measure(whole[:count])
        for place, probability in enumerate(probabilities.tolist()):
            self._kept.append(whole[place * WINDOW : (place + 1) * WINDOW])
            ended = self._gate.push(probability)
            begun = self._gate.start
            if ended is not None:
                yield await self._hear(ended.start, self._end, final=True)
                self._drop()
            elif begun is None:
                self._drop()
            elif self._end - begun >= self._longest:
                self._gate.finish()
                yield await self._hear(begun, self._end, final=True)
                self._drop()
        if self._gate.start is not None and self._partial_is_due(self._gate.start):
            yield await self._hear(self._gate.start, self._end, final=False)

    async def finish(self) -> AsyncIterator[Utterance]:
        """The stream is over: what was being said is final."""
        span = self._gate.finish()
        if span is not None:
            yield await self._hear(span.start, self._end, final=True)

    @property
    def _end(self) -> int:
        return self._first + len(self._kept)

    def _partial_is_due(self, start: int) -> bool:
        spoken_s = (self._end - start) / WINDOWS_PER_S
        return spoken_s >= PARTIAL_EVERY_S and self._end / WINDOWS_PER_S >= self._next_partial

    async def _hear(self, start: int, end: int, *, final: bool) -> Utterance:
        first = max(self._first, start - PAD)
        samples = np.concatenate(self._kept[first - self._first :])
        begin_s = self._now_s()
        segments = await self._transcribe(samples)
        took_s = self._now_s() - begin_s
        self._next_partial = end / WINDOWS_PER_S + max(PARTIAL_EVERY_S, took_s / SHARE)
        return Utterance(first / WINDOWS_PER_S, end / WINDOWS_PER_S, tuple(segments), final=final)

    def _drop(self) -> None:
        """Of quiet only what an utterance's soft beginning may need is kept."""
        surplus = len(self._kept) - PAD
        if surplus > 0:
            del self._kept[:surplus]
            self._first += surplus
