"""Measures of a voice, made with numpy alone: nothing that the code under test uses."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]

FRAME_S = 0.05
LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0
VOICED = 0.85  # Correlation of a frame with itself one period later.
FORMANTS_HZ = (700.0, 1220.0, 2600.0)
WIDTHS_HZ = (80.0, 90.0, 120.0)


def pitch_at(samples: Samples, rate_hz: int, place_s: float, near_hz: float = 0.0) -> float:
    """The fundamental around a moment by normalised cross-correlation; 0: not voiced.

    near_hz: searched within a third of an octave around it only, which excludes other octaves.
    """
    size = round(FRAME_S * rate_hz)
    low, high = (near_hz / 1.26, near_hz * 1.26) if near_hz else (LOWEST_HZ, HIGHEST_HZ)
    shortest, longest = int(rate_hz / high), int(np.ceil(rate_hz / low)) + 1
    start = round(place_s * rate_hz) - size // 2
    window = samples[max(0, start) : start + size + longest].astype(np.float64)
    if start < 0 or len(window) < size + longest or np.abs(window).max() < 0.02:
        return 0.0
    head = window[:size]
    lags = np.arange(shortest, longest)
    shifted = np.lib.stride_tricks.sliding_window_view(window, size)[lags]
    energy = np.sqrt((shifted**2).sum(axis=1) * (head**2).sum()) + 1e-9
    correlation = shifted @ head / energy
    strong = np.flatnonzero(correlation > 0.95 * correlation.max())
    best = int(correlation.argmax()) if near_hz else int(strong[0])
    while best + 1 < len(lags) and correlation[best + 1] > correlation[best]:
        best += 1
    if correlation[best] < VOICED or not 0 < best < len(lags) - 1:
        return 0.0
    left, top, right = correlation[best - 1 : best + 2]
    return float(rate_hz / (lags[best] + 0.5 * (left - right) / (left - 2 * top + right)))


def pitch_differences(
    original: Samples, changed: Samples, rate_hz: int, *, speed: float = 1.0, pitch: float = 1.0
) -> Floats:
    """Semitones by which the fundamental misses what was asked for, at every voiced moment."""
    misses = []
    for place_s in np.arange(0.1, len(original) / rate_hz - 0.1, 0.01):
        before = pitch_at(original, rate_hz, float(place_s))
        wanted = before * pitch
        after = pitch_at(changed, rate_hz, float(place_s / speed), wanted) if before else 0.0
        if after:
            misses.append(12 * np.log2(after / wanted))
    return np.array(misses)


def vowel(pitch_hz: float, rate_hz: int, seconds: float = 1.5) -> Samples:
    """A sung "a": pulses through three resonators."""
    phase = np.cumsum(np.full(round(seconds * rate_hz), pitch_hz / rate_hz))
    sound: Floats = np.diff(np.floor(phase), prepend=0.0)
    for centre_hz, width_hz in zip(FORMANTS_HZ, WIDTHS_HZ, strict=True):
        radius = np.exp(-np.pi * width_hz / rate_hz)
        angle = 2 * np.pi * centre_hz / rate_hz
        sound = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], sound)
    made: Samples = (0.5 * sound / np.abs(sound).max()).astype(np.float32)
    return made


def formants_of(samples: Samples, rate_hz: int, count: int = 3) -> list[float]:
    """The lowest resonances, by linear prediction of the middle, in Hz."""
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4].astype(np.float64)
    order = 10
    frame = np.hanning(len(middle)) * np.append(middle[0], middle[1:] - 0.9 * middle[:-1])
    spectrum = np.abs(np.fft.rfft(frame, 2 * len(frame))) ** 2
    correlation = np.fft.irfft(spectrum)[: order + 1]
    coefficients = solve_toeplitz(correlation[:-1], correlation[1:])
    roots = np.roots(np.append(1.0, -coefficients))
    found = sorted(
        float(np.angle(root)) * rate_hz / (2 * np.pi)
        for root in roots
        if root.imag > 0 and abs(root) > 0.8
    )
    return [one for one in found if one > 200][:count]
