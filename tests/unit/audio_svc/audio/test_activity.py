import numpy as np
import pytest

from audio_svc.audio.activity import is_silent
from tests.checkpoints.recordings import SENTENCES, record
from tests.unit.audio_svc.requests import tone

RATE_HZ = 16000


@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_silence_with_any_offset_is_silent(offset: float) -> None:
    assert is_silent(np.full(RATE_HZ, offset, np.float32), RATE_HZ)


def test_noise_of_a_quiet_room_is_silent() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE_HZ).astype(np.float32)
    assert is_silent(noise * 0.001, RATE_HZ)


def test_one_short_sound_in_silence_is_heard() -> None:
    samples = np.zeros(RATE_HZ, np.float32)
    samples[8000:8800] = tone(0.05)
    assert not is_silent(samples, RATE_HZ)


@pytest.mark.parametrize("count", [1, 10, 481])
def test_recording_shorter_than_a_frame_is_judged(count: int) -> None:
    assert is_silent(np.zeros(count, np.float32), RATE_HZ)


def test_speech_is_heard_even_at_a_twentieth_of_its_volume() -> None:
    from audio_svc.audio.decoding import decode

    speech = decode(record(SENTENCES[0]), field="file", max_seconds=60)
    assert not is_silent(speech.samples * np.float32(0.05), speech.rate_hz)
