"""Sound from frames: a pulse train and noise, filtered until their bands are those wanted."""

import numpy as np
from numpy.typing import NDArray

from audio_svc.audio.log_mel import Frames, MelSettings, hann, log_mel, mel_matrix

Samples = NDArray[np.float32]
# A short window sees a voice's formants, not its harmonics: these come from the pulses.
MEL = MelSettings(window=320)
MOST_HARMONICS = 90
STRONGEST = 8.0


def make_sound(
    bands: Frames, pitch_hz: NDArray[np.float32], voicing: NDArray[np.float32], seed: int
) -> Samples:
    """float32 [frames × hop]; the same seed gives the same noise.

    bands: Log-mel [frames, bands]; pitch_hz: [frames]; voicing: [frames], 0 to 1.
    """
    count = len(bands) * MEL.hop
    noise = np.random.default_rng(seed).standard_normal(count)
    share = _each_sample(voicing, count)
    source = share * _pulses(_each_sample(pitch_hz, count)) + (1 - share) * noise
    return _shaped(source.astype(np.float32), bands)


def _pulses(pitch_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Harmonics of equal strength up to the top of the bands, about as loud as unit noise."""
    phase = 2 * np.pi * np.cumsum(pitch_hz) / MEL.rate_hz
    total = np.zeros(len(phase))
    harmonics = np.minimum(MEL.high_hz / pitch_hz, MOST_HARMONICS)
    for number in range(1, int(harmonics.max(initial=0)) + 1):
        total += np.cos(number * phase) * (number <= harmonics)
    return total * np.sqrt(2 / np.maximum(harmonics, 1))


def _shaped(source: Samples, bands: Frames) -> Samples:
    """The source, each frame's bands brought to those wanted."""
    gains = np.minimum(bands - log_mel(source, MEL)[: len(bands)], STRONGEST)
    spread = mel_matrix(MEL)
    weights = spread / np.maximum(spread.sum(1, keepdims=True), 1e-6)
    filters = np.exp(gains @ weights.T) * (spread.sum(1) > 0)
    window = hann(MelSettings())
    padded = np.pad(source, MEL.fft_size // 2)
    cut = np.lib.stride_tricks.sliding_window_view(padded, MEL.fft_size)[:: MEL.hop][: len(bands)]
    pieces = np.fft.irfft(np.fft.rfft(cut * window, axis=1) * filters, axis=1) * window
    total, norm = np.zeros(len(padded)), np.zeros(len(padded))
    for index, piece in enumerate(pieces):
        start = index * MEL.hop
        total[start : start + MEL.fft_size] += piece
        norm[start : start + MEL.fft_size] += window**2
    half = MEL.fft_size // 2
    shaped = total / np.maximum(norm, 1e-3)
    return shaped[half:-half].astype(np.float32)


def _each_sample(frames: NDArray[np.float32], count: int) -> NDArray[np.float64]:
    return np.interp(np.arange(count), np.arange(len(frames)) * MEL.hop, frames)
