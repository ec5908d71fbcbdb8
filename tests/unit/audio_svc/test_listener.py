from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

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
from fleetserve.spooled_file import SpooledFile
from tests.unit.audio_svc.memory_models import FIXED, TONE
from tests.unit.audio_svc.requests import speech, tone, wav, without_tag


@pytest.fixture
def ask() -> HearingAsk:
    return HearingAsk(
        model=FIXED,
        data=wav(speech(44100), 44100),
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
    assert hearing.duration_s == pytest.approx(len(speech(44100)) / 44100)
    (segment,) = hearing.transcript.segments
    assert 0.5 < segment.start_s < 1.0 < segment.end_s < hearing.duration_s - 0.5
    assert hearing.cold_start


def _noise(level: float) -> NDArray[np.float32]:
    noise = np.random.default_rng(0).standard_normal((48000, 2)) * level
    return noise.astype(np.float32)


@pytest.mark.parametrize("level", [0.0, 0.01, 0.3])
async def test_silence_and_noise_are_not_given_to_the_model(
    listener: Listener, ask: HearingAsk, meter: AudioMeter, level: float
) -> None:
    hearing = await listener.hear(replace(ask, data=wav(_noise(level), 24000)))
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
    assert meter.transcription.audio_s == pytest.approx(len(speech(44100)) / 44100)


async def test_long_recording_is_heard_in_chunks_in_the_order_of_time(
    listener: Listener, ask: HearingAsk
) -> None:
    long = np.tile(speech(pause_s=0.3), 16)
    async with listener.open(replace(ask, data=wav(long))) as opened:
        heard = [one async for one in opened]
        hearing = opened.finish()
    assert len(heard) >= 2
    assert [one.until_s for one in heard] == sorted(one.until_s for one in heard)
    assert heard[-1].until_s == pytest.approx(opened.duration_s, abs=1.0)
    starts = [one.start_s for one in hearing.transcript.segments]
    assert starts == sorted(starts)
    assert len(starts) == len(heard) < 16


async def test_without_the_gate_everything_is_heard(listener: Listener, ask: HearingAsk) -> None:
    noise = np.tile(_noise(0.01), (30, 1))
    hearing = await listener.hear(replace(ask, data=wav(noise, 24000), gate=False))
    segments = hearing.transcript.segments
    assert segments[0].start_s == 0.0
    assert segments[-1].end_s == pytest.approx(60.0, abs=1e-3)
    assert all(a.end_s == pytest.approx(b.start_s) for a, b in pairwise(segments))
    assert max(one.end_s - one.start_s for one in segments) <= 30.0


async def test_leaving_ends_the_work(listener: Listener, ask: HearingAsk) -> None:
    async with listener.open(replace(ask, data=wav(np.tile(speech(pause_s=0.3), 16)))) as opened:
        first = await anext(aiter(opened))
    assert first.segments
    assert (await listener.hear(ask)).transcript.text == "the quick brown fox"


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "MP3", "OGG"])
async def test_spooled_file_is_heard_like_one_in_memory(
    listener: Listener, ask: HearingAsk, tmp_path: Path, kind: str
) -> None:
    data = wav(np.tile(speech(pause_s=0.3), 10), format=kind)
    file = SpooledFile(tmp_path)
    file.write(without_tag(data) if kind == "MP3" else data)
    heard = await listener.hear(replace(ask, data=file))
    told = await listener.hear(replace(ask, data=data))
    assert heard.duration_s == pytest.approx(told.duration_s, abs=0.1)
    ends = [[one.end_s for one in hearing.transcript.segments] for hearing in (heard, told)]
    assert ends[0] == pytest.approx(ends[1], abs=0.1)
    assert len(ends[0]) >= 1
    cut = SpooledFile(tmp_path)
    cut.write(data[: len(data) // 2])
    with pytest.raises(InvalidFieldError, match="cut off"):
        await listener.hear(replace(ask, data=cut))
