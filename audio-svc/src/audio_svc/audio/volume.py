"""Loudness as a linear factor, with a limiter that never clips."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

CEILING = 0.9999  # Rounded to 16 bits it is still below full scale.
REACH = 256  # Samples: 5 ms at 48 kHz, 16 ms at 16 kHz.


def change_volume(samples: Samples, factor: float) -> Samples:
    """Multiplies, and limits. A factor of 1 returns them as they are.

    samples: float32 [n] in [-1, 1].
    """
    return samples if factor == 1.0 else limit(samples * np.float32(factor))


def limit(samples: Samples, ceiling: float = CEILING) -> Samples:
    """Turns the volume down around peaks, so that none passes the ceiling; the rest is untouched.

    The gain begins to fall before a peak and rises after it over REACH samples each: the wave
    keeps its form, where bending the peaks themselves would add overtones.
    """
    size = np.abs(samples)
    if not len(samples) or size.max() <= ceiling:
        return samples
    # scipy takes a tenth of a second to import.
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    needed = np.minimum(1.0, ceiling / np.maximum(size, ceiling), dtype=np.float64)
    # Within reach of a peak every held gain is low enough for it, so their mean is too.
    held = minimum_filter1d(needed, 2 * REACH + 1, mode="nearest")
    gain = uniform_filter1d(held, 2 * REACH + 1, mode="nearest")
    limited: Samples = (samples * gain).astype(np.float32)
    # The running mean is rounded.
    np.clip(limited, -ceiling, ceiling, out=limited)
    return limited
