"""Another rate for samples that come piece by piece, without a seam between the pieces."""

from math import ceil, gcd

import numpy as np
from numpy.typing import NDArray

from audio_svc.audio.resampling import FOR_LISTENERS, LowPass, change_rate

Samples = NDArray[np.float32]


class StreamResampler:
    """The pieces put together equal ``change_rate`` of the whole but for rounding.

    What is made of a sample depends on those around it, so a few milliseconds are held back.
    """

    def __init__(self, from_hz: int, to_hz: int, low_pass: LowPass = FOR_LISTENERS) -> None:
        divisor = gcd(from_hz, to_hz)
        self._rates_hz = (from_hz, to_hz)
        self._low_pass = low_pass
        self._up, self._down = to_hz // divisor, from_hz // divisor
        self._reach = ceil(low_pass.periods * max(self._up, self._down) / self._up)
        self._kept = np.zeros(0, np.float32)
        self._start = 0  # Where in the input it begins: a multiple of _down, so at the same phase.
        self._made = 0

    def add(self, samples: Samples) -> Samples:
        """float32 [n] → what is sure by now."""
        if self._up == self._down:
            return samples
        self._kept = np.concatenate([self._kept, samples])
        end = self._start + len(self._kept)
        return self._make((end - self._reach) * self._up // self._down)

    def finish(self) -> Samples:
        """The rest."""
        if self._up == self._down:
            return self._kept
        end = self._start + len(self._kept)
        return self._make(-(-end * self._up // self._down))

    def _make(self, stop: int) -> Samples:
        """The samples up to that one of the output."""
        if stop <= self._made:
            return np.zeros(0, np.float32)
        made = change_rate(self._kept, *self._rates_hz, self._low_pass)
        first = self._start // self._down * self._up
        piece = made[self._made - first : stop - first]
        self._made = stop
        begin = max(0, stop * self._down // self._up - self._reach) // self._down * self._down
        self._kept = self._kept[begin - self._start :]
        self._start = begin
        return piece
