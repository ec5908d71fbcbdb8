"""Log-mel frames: what our own small models see and draw."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]
FLOOR = 1e-5


@dataclass(frozen=True, slots=True)
class MelSettings:
    """Windows are Hann's, ``hop`` samples apart, the first centred at 0.

    Attributes:
        window: Samples; shorter than ``fft_size``, the spectrum is interpolated.
    """

    rate_hz: int = 16000
    fft_size: int = 512
    window: int = 512
    hop: int = 200
    bands: int = 80
    low_hz: float = 50.0
    high_hz: float = 7600.0


def log_mel(samples: NDArray[np.float32], settings: MelSettings) -> Frames:
    """Natural logarithm of the magnitude in each band, float32 [frames, bands]."""
    padded = np.pad(samples, settings.fft_size // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, settings.fft_size)[:: settings.hop]
    spectrum = np.abs(np.fft.rfft(windows * hann(settings), axis=1))
    bands = spectrum.astype(np.float32) @ mel_matrix(settings)
    frames: Frames = np.log(np.maximum(bands, FLOOR))
    return frames


@cache
def hann(settings: MelSettings) -> NDArray[np.float32]:
    """float32 [fft_size], the window in its middle."""
    margin = (settings.fft_size - settings.window) // 2
    return np.pad(np.hanning(settings.window + 1)[:-1], margin).astype(np.float32)


@cache
def mel_matrix(settings: MelSettings) -> NDArray[np.float32]:
    """Triangles of unit sum, float32 [fft_size // 2 + 1, bands].

    Source: O'Shaughnessy 1987 for the scale, 2595 log10(1 + f / 700).
    """
    edges_mel = np.linspace(_mel(settings.low_hz), _mel(settings.high_hz), settings.bands + 2)
    edges_hz = 700 * (10 ** (edges_mel / 2595) - 1)
    bins_hz = np.fft.rfftfreq(settings.fft_size, 1 / settings.rate_hz)[:, None]
    rising = (bins_hz - edges_hz[:-2]) / np.diff(edges_hz)[:-1]
    falling = (edges_hz[2:] - bins_hz) / np.diff(edges_hz)[1:]
    weights = np.maximum(0, np.minimum(rising, falling))
    # A triangle between two bins would see nothing: it takes the nearest one.
    empty = np.flatnonzero(weights.sum(0) == 0)
    nearest = np.abs(bins_hz - edges_hz[1:-1][empty]).argmin(0)
    weights[nearest, empty] = 1
    matrix: NDArray[np.float32] = (weights / weights.sum(0)).astype(np.float32)
    return matrix


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))
