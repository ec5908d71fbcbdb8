"""Another sample rate, by scipy's polyphase filter.

scipy.signal is imported with the first model, or when it is first needed: it takes 0.6 s
and 68 MiB, which a replica without work can do without.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LowPass:
    """A filter by a Kaiser window.

    Attributes:
        periods: How far it looks to both sides, in samples of the slower rate.
        beta: Of the window: the higher, the less is let through beyond the edge.
        edge: Where it closes, in parts of half the slower rate.
    """

    periods: int
    beta: float
    edge: float


# scipy's own lets 8 % of the spectrum beside the edge fold back at -12 to -22 dB; this one holds
# everything beyond the edge below -90 dB and is flat to 0.85 of half the slower rate, at 250 to
# 650 times real time instead of 770 to 1500.
FOR_LISTENERS = LowPass(periods=32, beta=8.6, edge=0.95)
# scipy's own: recognition hears no difference.
FOR_RECOGNITION = LowPass(periods=10, beta=5.0, edge=1.0)


def change_rate(
    samples: Samples, from_hz: int, to_hz: int, low_pass: LowPass = FOR_LISTENERS
) -> Samples:
    """float32 [n] → float32 [ceil(n · to / from)]; untouched where the rate is the same."""
    if from_hz == to_hz:
        return samples
    from scipy.signal import resample_poly

    divisor = gcd(from_hz, to_hz)
    up, down = to_hz // divisor, from_hz // divisor
    made: Samples = resample_poly(samples, up, down, window=_taps(low_pass, max(up, down)))
    return made.astype(np.float32, copy=False)


@lru_cache(maxsize=64)
def _taps(low_pass: LowPass, steps: int) -> NDArray[np.float32]:
    """Designed once, and not anew for each block."""
    from scipy.signal import firwin

    count, window = 2 * low_pass.periods * steps + 1, ("kaiser", low_pass.beta)
    return np.asarray(firwin(count, low_pass.edge / steps, window=window), np.float32)
