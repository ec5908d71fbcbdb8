import numpy as np
import pytest
from numpy.typing import NDArray

from audio_svc.audio.decoding import decode, resample
from audio_svc.audio.prosody import change_pitch, change_speed
from tests.checkpoints.recordings import SENTENCES, record
from tests.unit.audio_svc.voices import FORMANTS_HZ, formants_of, pitch_differences, vowel

RATE_HZ = 16000
Samples = NDArray[np.float32]


FACTORS = (0.5, 0.7, 0.8, 1.25, 1.5, 2.0)
VOICES = ("en", "en+f3")


def speech(voice: str = "en") -> Samples:
    recording = decode(record(SENTENCES[0], voice), field="file", max_seconds=60)
    return resample(recording.samples, recording.rate_hz, RATE_HZ)


def hum(seconds: float = 2.0) -> Samples:
    return vowel(150.0, RATE_HZ, seconds)


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("factor", FACTORS)
def test_speed_changes_the_duration_and_keeps_the_pitch(voice: str, factor: float) -> None:
    original = speech(voice)
    changed = change_speed(original, RATE_HZ, factor)
    assert abs(len(changed) * factor / len(original) - 1) < 0.01
    misses = pitch_differences(original, changed, RATE_HZ, speed=factor)
    assert len(misses) > 40
    assert abs(np.median(misses)) < 0.2
    assert np.median(np.abs(misses)) < 0.2


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("factor", FACTORS)
def test_pitch_changes_the_pitch_and_keeps_the_duration(voice: str, factor: float) -> None:
    original = speech(voice)
    changed = change_pitch(original, RATE_HZ, factor)
    assert len(changed) == len(original)
    misses = pitch_differences(original, changed, RATE_HZ, pitch=factor)
    assert len(misses) > 10
    assert abs(np.median(misses)) < 0.2
    assert np.median(np.abs(misses)) < 0.2


@pytest.mark.parametrize("factor", FACTORS)
def test_pitch_keeps_the_formants_where_a_plain_shift_moves_them(factor: float) -> None:
    pitch_hz = 180.0
    changed = formants_of(change_pitch(vowel(pitch_hz, RATE_HZ), RATE_HZ, factor), RATE_HZ)
    for found, wanted, bound in zip(changed, FORMANTS_HZ, (0.22, 0.1, 0.1), strict=True):
        assert abs(found / wanted - 1) < bound
    played_faster = formants_of(vowel(pitch_hz, RATE_HZ), round(RATE_HZ * factor))
    assert all(
        abs(found / wanted - 1) > 0.15
        for found, wanted in zip(played_faster, FORMANTS_HZ, strict=True)
    )


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_extremes_stay_in_range_on_speech(factor: float) -> None:
    samples = speech()
    for change in (change_speed, change_pitch):
        changed = change(samples, RATE_HZ, factor)
        assert np.isfinite(changed).all()
        assert np.abs(changed).max() <= 1.0
        assert np.sqrt(np.mean(changed**2)) > 0.01


@pytest.mark.parametrize("change", [change_speed, change_pitch])
def test_factor_of_one_returns_the_very_samples(change: object) -> None:
    samples = hum()
    assert callable(change)
    assert change(samples, RATE_HZ, 1.0) is samples


@pytest.mark.parametrize("change", [change_speed, change_pitch])
def test_same_request_gives_the_same_samples(change: object) -> None:
    assert callable(change)
    assert np.array_equal(change(hum(), RATE_HZ, 1.3), change(hum(), RATE_HZ, 1.3))


@pytest.mark.parametrize("count", [1, 50, 800])
def test_shortest_sounds_pass(count: int) -> None:
    short = hum()[:count]
    assert len(change_pitch(short, RATE_HZ, 1.5)) == count
    assert len(change_speed(short, RATE_HZ, 0.5)) == 2 * count


def test_silence_stays_silent() -> None:
    silence = np.zeros(RATE_HZ, np.float32)
    assert not change_pitch(silence, RATE_HZ, 1.5).any()
