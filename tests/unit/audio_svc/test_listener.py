from dataclasses import replace

import numpy as np
import pytest

from audio_svc.listener import HearingAsk, Listener
from audio_svc.listening import SILENCE_WARNING
from audio_svc.meter import AudioMeter
from audio_svc.transcription.base import TranscriptionOptions
from fleetserve.clock import SystemClock
from fleetserve.errors import (
    InvalidFieldError,
    ModelNotFoundError,
    PayloadTooLargeError,
    UnsupportedMediaError,
)
from tests.unit.audio_svc.memory_models import FIXED, TONE
from tests.unit.audio_svc.requests import tone, wav


@pytest.fixture
def ask() -> HearingAsk:
    return HearingAsk(
        model=FIXED,
        data=wav(tone(2.0, 44100), 44100),
        field="file",
        language="auto",
        options=TranscriptionOptions(),
        gate=True,
        priority=0,
        received_s=SystemClock().monotonic_s(),
    )


async def test_transcript_comes_with_the_recordings_length(
    listener: Listener, ask: HearingAsk
) -> None:
    hearing = await listener.hear(ask)
    assert hearing.transcript.text == "the quick brown fox"
    assert hearing.duration_s == pytest.approx(2.0)
    assert hearing.transcript.segments[0].end_s == pytest.approx(2.0, abs=1e-3)
    assert hearing.cold_start


async def test_silence_is_not_given_to_the_model(
    listener: Listener, ask: HearingAsk, meter: AudioMeter
) -> None:
    silence = wav(np.zeros((48000, 2), np.float32), 24000)
    hearing = await listener.hear(replace(ask, data=silence))
    assert hearing.transcript.text == ""
    assert hearing.transcript.warnings == (SILENCE_WARNING,)
    assert hearing.duration_s == 2.0
    assert meter.transcription.compute_s == 0.0


async def test_silence_is_given_to_the_model_without_the_gate(
    listener: Listener, ask: HearingAsk
) -> None:
    silence = wav(np.zeros(16000, np.float32))
    hearing = await listener.hear(replace(ask, data=silence, gate=False))
    assert hearing.transcript.text


async def test_what_is_no_audio_or_too_long_is_refused(listener: Listener, ask: HearingAsk) -> None:
    with pytest.raises(UnsupportedMediaError, match="file"):
        await listener.hear(replace(ask, data=b"hello"))
    with pytest.raises(PayloadTooLargeError):
        await listener.hear(replace(ask, data=wav(tone(61.0, 8000), 8000)))


async def test_wrong_language_is_refused_before_anything_is_decoded(
    listener: Listener, ask: HearingAsk
) -> None:
    with pytest.raises(InvalidFieldError, match="de, en"):
        await listener.hear(replace(ask, data=b"no audio", language="xx"))


async def test_model_that_speaks_is_refused(listener: Listener, ask: HearingAsk) -> None:
    with pytest.raises(InvalidFieldError, match="/synthesize"):
        await listener.hear(replace(ask, model=TONE))


async def test_unknown_model_is_not_found(listener: Listener, ask: HearingAsk) -> None:
    with pytest.raises(ModelNotFoundError):
        await listener.hear(replace(ask, model="nobody"))


async def test_pace_is_measured(listener: Listener, ask: HearingAsk, meter: AudioMeter) -> None:
    await listener.hear(ask)
    assert meter.transcription.requests == 1
    assert meter.transcription.audio_s == pytest.approx(2.0)
