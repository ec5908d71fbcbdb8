import numpy as np
import pytest

from audio_svc.audio.resampling import change_rate
from audio_svc.audio.volume import Samples

PAIRS = [(16000, 48000), (16000, 44100), (22050, 16000), (24000, 8000), (24000, 22050)]


def sine(hz: float, rate_hz: int, seconds: float = 2.0) -> Samples:
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    made: Samples = np.sin(2 * np.pi * hz * time_s).astype(np.float32)
    return made


def levels_db(samples: Samples, hz: float, rate_hz: int) -> tuple[float, float]:
    """Of the tone itself, and of the loudest thing beside it; a full sine is 0."""
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4]
    window = np.blackman(len(middle))
    spectrum = np.abs(np.fft.rfft(middle * window)) / (window.sum() / 2)
    place = round(hz * len(middle) / rate_hz)
    tone = np.sqrt(2 * np.mean(middle**2))
    spectrum[place - 60 : place + 61] = 0.0
    return 20 * np.log10(tone), 20 * np.log10(spectrum.max())


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.84])
def test_tone_keeps_its_level_and_has_no_mirror(from_hz: int, to_hz: int, part: float) -> None:
    hz = part * min(from_hz, to_hz) / 2
    own, beside = levels_db(change_rate(sine(hz, from_hz), from_hz, to_hz), hz, to_hz)
    assert abs(own) < 0.1
    assert beside < -85


@pytest.mark.parametrize(("from_hz", "to_hz"), [(22050, 16000), (24000, 8000), (24000, 22050)])
def test_what_the_new_rate_has_no_room_for_is_gone(from_hz: int, to_hz: int) -> None:
    made = change_rate(sine(1.06 * to_hz / 2, from_hz), from_hz, to_hz)
    middle = made[len(made) // 4 : 3 * len(made) // 4]
    assert np.abs(middle).max() < 10 ** (-80 / 20)


@pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)
def test_duration_is_kept_to_the_sample(from_hz: int, to_hz: int) -> None:
    made = change_rate(sine(300.0, from_hz), from_hz, to_hz)
    assert len(made) == -(-2 * from_hz * to_hz // from_hz)
    assert made.dtype == np.float32


def test_same_rate_returns_the_very_samples() -> None:
    samples = sine(300.0, 16000)
    assert change_rate(samples, 16000, 16000) is samples
