"""Speed without pitch, and pitch without speed.

Both by Signalsmith Stretch (python-stretch, MIT). Shifting the pitch moves the formants with
it, which turns a voice into a cartoon's; the spectral envelope of the unshifted speech is put
back afterwards. Measured on espeak-ng speech, factors 0.7 to 2: fundamental within 0.06
semitone, duration to the sample, envelope 8 to 15 dB off instead of 16 to 26.
"""

import numpy as np
import python_stretch
from numpy.typing import NDArray

from audio_svc.audio.volume import limit

Samples = NDArray[np.float32]
Spectra = NDArray[np.complex128]

SEED = 0  # The same request gives the same samples.
WINDOW_S = 0.064
HOP_PARTS = 4
ENVELOPE_QUEFRENCY_S = 0.0019  # Below one period of a 500 Hz voice: no harmonics in it.
MAX_GAIN = 20.0
FLOOR = 1e-6


def change_speed(samples: Samples, rate_hz: int, factor: float) -> Samples:
    """float32 [n] → float32 [n / factor]: twice as fast at 2. A factor of 1 changes nothing."""
    if factor == 1.0:
        return samples
    stretch = _make_stretch(rate_hz)
    stretch.setTimeFactor(factor)
    return _run(stretch, samples)


def change_pitch(samples: Samples, rate_hz: int, factor: float) -> Samples:
    """float32 [n] → float32 [n]: an octave up at 2. A factor of 1 changes nothing."""
    if factor == 1.0 or not samples.any():
        return samples
    stretch = _make_stretch(rate_hz)
    stretch.setTransposeFactor(factor)
    shifted = _run(stretch, samples)
    return limit(_restore_formants(samples, shifted, rate_hz))


def _make_stretch(rate_hz: int) -> python_stretch.Signalsmith.Stretch:
    stretch = python_stretch.Signalsmith.Stretch(SEED)
    stretch.preset(1, rate_hz)
    return stretch


def _run(stretch: python_stretch.Signalsmith.Stretch, samples: Samples) -> Samples:
    made: Samples = np.asarray(stretch.process(np.ascontiguousarray(samples[np.newaxis])))[0]
    return limit(made)


def _restore_formants(original: Samples, shifted: Samples, rate_hz: int) -> Samples:
    """Gives the shifted speech the other's spectral envelope, frame by frame, and its loudness."""
    # See resampling.py.
    from scipy.signal import ShortTimeFFT

    size = 1 << round(np.log2(WINDOW_S * rate_hz))
    window = np.hanning(size + 1)[:-1]
    transform = ShortTimeFFT(window, size // HOP_PARTS, rate_hz, fft_mode="onesided")
    if len(original) < size:
        return shifted
    wanted, made = transform.stft(original), transform.stft(shifted)
    lifter = max(1, round(ENVELOPE_QUEFRENCY_S * rate_hz))
    gain = _envelope(wanted, lifter) / _envelope(made, lifter)
    mended = transform.istft(made * np.clip(gain, 1 / MAX_GAIN, MAX_GAIN), k1=len(shifted))
    loudness = np.sqrt(np.mean(np.square(original)) / max(FLOOR**2, np.mean(np.square(mended))))
    result: Samples = (mended * loudness).astype(np.float32)
    return result


def _envelope(spectra: Spectra, lifter: int) -> NDArray[np.float64]:
    """The smooth part of each spectrum: its cepstrum below the lifter."""
    cepstra = np.fft.irfft(np.log(np.abs(spectra) + FLOOR), axis=0)
    cepstra[lifter : len(cepstra) - lifter + 1] = 0.0
    envelope: NDArray[np.float64] = np.exp(np.fft.rfft(cepstra, axis=0).real)
    return envelope
