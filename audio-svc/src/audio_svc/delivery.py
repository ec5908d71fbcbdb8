"""A breath as it is heard: in its manner, with edges that can be put beside others."""

import numpy as np

from audio_svc.audio.prosody import change_pitch, change_speed
from audio_svc.audio.volume import Samples, change_volume
from audio_svc.sentences import Breath

EDGE_S = 0.005


def deliver(samples: Samples, rate_hz: int, breath: Breath, *, joined: bool) -> Samples:
    """What the engine made of a breath, changed as its manner asks, after its leading silence.

    samples: float32 [n] → float32 [lead + n / speed]; the very same where nothing is asked for.
    joined: There are other breaths before or after it.
    """
    manner = breath.manner
    made = change_speed(samples, rate_hz, manner.speed)
    made = change_pitch(made, rate_hz, manner.pitch)
    made = change_volume(made, manner.volume)
    if joined:
        made = soften_edges(made, rate_hz)
    if not breath.lead_s:
        return made
    return np.concatenate([np.zeros(round(breath.lead_s * rate_hz), np.float32), made])


def soften_edges(samples: Samples, rate_hz: int) -> Samples:
    """Fades in and out over 5 ms: what is put together meets in silence, without a click."""
    count = min(round(EDGE_S * rate_hz), len(samples) // 2)
    if not count:
        return samples
    fade = (0.5 - 0.5 * np.cos(np.pi * np.arange(count) / count)).astype(np.float32)
    softened = samples.copy()
    softened[:count] *= fade
    softened[-count:] *= fade[::-1]
    return softened
