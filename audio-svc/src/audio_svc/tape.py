"""A recording that may be too long for memory: heard through once for its speech, then cut."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

import numpy as np

from audio_svc.audio.decoding import at_rate
from audio_svc.audio.recording import Recording, Samples
from audio_svc.audio.silero import BLOCK, RATE_HZ, WINDOW, SpeechMeter
from audio_svc.audio.speech_spans import Probabilities
from audio_svc.chunks import Chunk

MEASURED = BLOCK * WINDOW  # Samples whose speech is measured at once.
KEPT = 120 * RATE_HZ  # Of a recording no longer than this, what was decoded is kept: 8 MB.


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over a recording tells.

    Attributes:
        frames: Its length in samples of its own rate.
        probabilities: Of speech, per window of 32 ms: 0.4 MB an hour.
        samples: All of a short one, at silero's RATE_HZ; of a longer one nothing.
    """

    frames: int
    rate_hz: int
    probabilities: Probabilities
    samples: Samples | None = field(default=None, repr=False)

    @property
    def duration_s(self) -> float:
        return self.frames / self.rate_hz

    def count_at(self, rate_hz: int) -> int:
        """Its length in samples of another rate."""
        return -(-self.frames * rate_hz // self.rate_hz)


def survey(blocks: Iterator[Recording]) -> Survey:
    """Reads it to its end. Raises: as the blocks."""
    frames = rate_hz = count = 0
    kept: list[Samples] = []

    def counted() -> Iterator[Recording]:
        nonlocal frames, rate_hz
        for block in blocks:
            frames += len(block.samples)
            rate_hz = block.rate_hz
            yield block

    meter, found = SpeechMeter(), []
    for part in _in_parts(at_rate(counted(), RATE_HZ), MEASURED):
        found.append(meter.measure(part))
        count += len(part)
        kept.append(part)
        if count > KEPT:
            kept.clear()
    samples = np.concatenate(kept) if count <= KEPT else None
    return Survey(frames, rate_hz, np.concatenate(found), samples)


def _in_parts(pieces: Iterator[Samples], size: int) -> Iterator[Samples]:
    """The same samples, ``size`` at a time, and the rest."""
    kept: list[Samples] = []
    count = 0
    for piece in pieces:
        kept.append(piece)
        count += len(piece)
        while count >= size:
            whole = np.concatenate(kept)
            yield whole[:size]
            kept, count = [whole[size:]], count - size
    yield np.concatenate(kept)


class Tape:
    """A recording that is read from its begin to its end; not for two threads at once.

    What lies before the last cut is gone, so its memory is that of a chunk and a block.

    Args:
        blocks: At ``rate_hz``.
    """

    def __init__(self, blocks: Iterator[Samples]) -> None:
        self._blocks = blocks
        self._kept: list[Samples] = [np.zeros(0, np.float32)]
        self._start = 0
        self._end = 0

    def cut(self, chunk: Chunk) -> Generator[None, None, Samples]:
        """What belongs to a chunk, all of which lies behind the one before.

        Yields after each block that is decoded for it.
        """
        parts = []
        for start, end in chunk.pieces:
            for block in self._blocks_until(end):
                self._add(block, start)
                yield
            parts.append(self._take(start, end))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _blocks_until(self, end: int) -> Iterator[Samples]:
        while self._end < end and (block := next(self._blocks, None)) is not None:
            yield block

    def _add(self, block: Samples, start: int) -> None:
        self._end += len(block)
        if self._end <= start:
            self._kept, self._start = [], self._end
        else:
            self._kept.append(block)

    def _take(self, start: int, end: int) -> Samples:
        whole = np.concatenate(self._kept)
        rest = whole[end - self._start :]
        piece = whole[start - self._start : end - self._start]
        self._kept, self._start = [rest], self._end - len(rest)
        return piece
