"""A sound file that is made breath by breath, as the engine speaks."""

import numpy as np

from audio_svc.audio.stream_encoding import open_encoder
from audio_svc.audio.stream_resampling import StreamResampler
from audio_svc.audio.volume import change_volume
from audio_svc.speaking import (
    SentenceTime,
    SpeechPlan,
    Spoken,
    change_voice,
    cut_warning,
    delivered,
    time_of,
)
from audio_svc.speech.base import Samples


class SoundStream:
    """Breaths in, bytes of one file out; any thread, one call at a time.

    Each breath is changed with half of the pause before it and half of the one after it, so
    that what is put together meets in silence: the change of speed smears a sound by half of its
    window, and cut there it would click. Resampling and encoding go on over the joints.

    Raises: InvalidFieldError: this format is made as a whole only.
    """

    def __init__(self, plan: SpeechPlan) -> None:
        self._plan = plan
        self._encoder = open_encoder(plan.rate_hz, plan.order.audio_format)
        self._resampler = StreamResampler(plan.engine_rate_hz, plan.rate_hz)
        self._spoken_s = 0.0
        self._lead = np.zeros(0, np.float32)
        self._count = 0
        self._times: list[SentenceTime] = []
        self._cut: list[str] = []

    @property
    def duration_s(self) -> float:
        """Of what was encoded."""
        return self._count / self._plan.rate_hz

    @property
    def times(self) -> tuple[SentenceTime, ...]:
        return tuple(self._times)

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self._plan.warnings, *self._cut)

    def add(self, spoken: Spoken) -> bytes:
        """What can be sent by now; may be empty where a codec holds it back."""
        rate_hz, speed = self._plan.engine_rate_hz, self._plan.order.speed
        if not spoken.complete:
            self._cut.append(cut_warning(spoken))
        joined = len(self._plan.breaths) > 1
        said = delivered(spoken, rate_hz, joined=joined)
        start_s = self._spoken_s + len(self._lead) / rate_hz / speed
        self._times.append(time_of(said, start_s, self._plan))
        pause = np.zeros(round(spoken.breath.pause_s * rate_hz), np.float32)
        half = len(pause) // 2
        samples = np.concatenate([self._lead, said.samples, pause[:half]])
        self._lead = pause[half:]
        samples = change_voice(samples, self._plan)
        self._spoken_s += len(samples) / rate_hz
        return self._encode(self._resampler.add(samples))

    def finish(self) -> bytes:
        rest = self._encode(self._resampler.finish())
        return rest + self._encoder.finish()

    def _encode(self, samples: Samples) -> bytes:
        self._count += len(samples)
        return self._encoder.add(change_volume(samples, self._plan.order.volume))
