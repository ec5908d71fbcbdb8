"""Reads recordings for the tests of the checkpoints, without the code under test."""

import io

import numpy as np
import soundfile
from scipy.signal import resample_poly


def to_16_khz(wav: bytes) -> np.ndarray:
    """float32 [n] of a mono WAV at 22.05 kHz."""
    samples, rate_hz = soundfile.read(io.BytesIO(wav), dtype="float32")
    assert rate_hz == 22050
    made: np.ndarray = resample_poly(samples, 320, 441).astype(np.float32)
    return made
