"""Loudness as broadcasters measure it: ITU-R BS.1770, by pyloudnorm."""

import numpy as np
from numpy.typing import NDArray

from audio_svc.audio.volume import limit

Samples = NDArray[np.float32]

BLOCK_S = 0.4  # Of the measure; what is shorter has no loudness there.
MEASURED_PEAK = 0.5
ROUNDS = 8  # Each makes up for what the limiter took; the gain still wanted falls geometrically.
NEAR_LU = 0.05
MAX_GAIN_DB = 110.0  # What is so much quieter is rounding noise, or a lone sample.
TOLERANCE_LU = 0.5


def loudness_lufs(samples: Samples, rate_hz: int) -> float:
    """Integrated loudness; -inf for silence. What is shorter than 0.4 s is measured repeated."""
    # It imports scipy.signal; see resampling.py.
    import pyloudnorm

    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0.0:
        return -np.inf
    shortest = int(np.ceil(BLOCK_S * rate_hz)) + 1
    whole = np.resize(samples, max(len(samples), shortest)).astype(np.float64)
    # Measured at a fixed peak: the gate at -70 LUFS is there for silence between programmes, not
    # for quiet speech.
    gain = MEASURED_PEAK / peak
    measured = pyloudnorm.Meter(rate_hz).integrated_loudness(whole * gain)
    return float(measured - 20.0 * np.log10(gain))


def normalize(samples: Samples, rate_hz: int, target_lufs: float) -> tuple[Samples, str]:
    """The samples at that loudness, limited, and a warning where it could not be reached.

    Peaks leave no room for any loudness: more than about -8 LUFS has none in it.
    """
    found = loudness_lufs(samples, rate_hz)
    if found < target_lufs - MAX_GAIN_DB:
        return samples, "There is no sound in it whose loudness could be changed."
    gain_db = 0.0
    made = samples
    for _ in range(ROUNDS):
        gain_db += target_lufs - found
        made = limit((samples * 10.0 ** (gain_db / 20.0)).astype(np.float32))
        found = loudness_lufs(made, rate_hz)
        if abs(found - target_lufs) < NEAR_LU:
            break
    if abs(found - target_lufs) <= TOLERANCE_LU:
        return made, ""
    return made, (
        f"The loudness is {found:.1f} LUFS instead of {target_lufs:g}: louder is not possible "
        "without distortion."
    )
