"""Whether there is any sound that could be speech.

A plain gate on loudness: it keeps silence from being transcribed, which Whisper answers with
inventions. It does not tell speech from noise; music and noise pass.
"""

import numpy as np
from numpy.typing import NDArray

FRAME_S = 0.03
THRESHOLD_DB = -50.0  # Of full scale; speech into a microphone has peaks above -35.


def is_silent(samples: NDArray[np.float32], rate_hz: int) -> bool:
    """No frame of 30 ms is louder than -50 dB of full scale, whatever the offset.

    samples: float32 [n], n > 0.
    """
    frame = max(1, min(len(samples), int(FRAME_S * rate_hz)))
    count = len(samples) // frame
    frames = samples[: count * frame].reshape(count, frame)
    power = np.var(frames, axis=1, dtype=np.float64)
    rest = samples[count * frame :]
    loudest = max(float(power.max()), float(np.var(rest, dtype=np.float64)) if len(rest) else 0.0)
    return loudest < float(10.0 ** (THRESHOLD_DB / 10.0))
