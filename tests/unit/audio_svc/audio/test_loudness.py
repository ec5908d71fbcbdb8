import numpy as np
import pyloudnorm
import pytest

from audio_svc.audio.decoding import decode
from audio_svc.audio.loudness import loudness_lufs, normalize
from audio_svc.audio.volume import CEILING, Samples
from tests.checkpoints.recordings import SENTENCES, record
from tests.unit.audio_svc.requests import tone

RATE_HZ = 22050


@pytest.fixture(scope="module", params=["en", "en+f3"])
def speech(request: pytest.FixtureRequest) -> Samples:
    return decode(record(SENTENCES[1], request.param), field="file", max_seconds=60).samples


@pytest.mark.parametrize("target", [-40.0, -23.0, -16.0, -12.0])
def test_speech_comes_out_at_the_loudness_asked_for(speech: Samples, target: float) -> None:
    made, missed = normalize(speech, RATE_HZ, target)
    assert not missed
    measured = pyloudnorm.Meter(RATE_HZ).integrated_loudness(made.astype(np.float64))
    assert abs(measured - target) < 0.5
    assert np.abs(made).max() <= CEILING


def test_what_can_not_be_reached_is_told_and_never_clips(speech: Samples) -> None:
    made, missed = normalize(speech, RATE_HZ, -5.0)
    assert "instead of -5" in missed
    assert np.abs(made).max() <= CEILING


@pytest.mark.parametrize("count", [20, 500, 4000, 8819, 8821])
def test_what_is_shorter_than_the_measure_is_normalised_too(count: int) -> None:
    short = tone(1.0, RATE_HZ)[1 : 1 + count]
    made, missed = normalize(short, RATE_HZ, -23.0)
    assert not missed
    assert len(made) == count
    assert abs(loudness_lufs(made, RATE_HZ) + 23.0) < 0.5


def test_full_scale_sine_has_the_loudness_of_the_standard() -> None:
    # BS.1770: a 997 Hz sine at full scale in one channel is -3.01 LKFS.
    assert abs(loudness_lufs(tone(2.0, 48000, 997.0) * 2, 48000) + 3.01) < 0.05


def test_quiet_speech_is_not_taken_for_silence(speech: Samples) -> None:
    made, missed = normalize(speech * np.float32(1e-4), RATE_HZ, -20.0)
    assert not missed
    assert abs(loudness_lufs(made, RATE_HZ) + 20.0) < 0.5


@pytest.mark.parametrize("silence", [np.zeros(0, np.float32), np.zeros(RATE_HZ, np.float32)])
def test_silence_stays_and_is_told(silence: Samples) -> None:
    made, missed = normalize(silence, RATE_HZ, -20.0)
    assert made is silence
    assert "no sound" in missed
