"""Loudness as a linear factor, with a limiter that never clips."""

import numpy as np
from numpy.typing import NDArray

KNEE = 0.9
CEILING = 0.9999


def change_volume(samples: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Multiplies, and limits. A factor of 1 returns them as they are.

    samples: float32 [n] in [-1, 1].
    """
    return samples if factor == 1.0 else limit(samples * np.float32(factor))


def limit(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bends what passes 0.9 so that it nears 1 and never reaches it; the rest is untouched."""
    size = np.abs(samples)
    over = size > KNEE
    if not over.any():
        return samples
    limited = samples.copy()
    bent = KNEE + (1.0 - KNEE) * np.tanh((size[over] - KNEE) / (1.0 - KNEE))
    limited[over] = np.copysign(np.minimum(bent, CEILING), samples[over])
    return limited
