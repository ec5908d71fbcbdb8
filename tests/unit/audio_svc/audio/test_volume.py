import numpy as np
import pytest
from scipy.signal import find_peaks

from audio_svc.audio.volume import CEILING, REACH, change_volume, limit
from tests.unit.audio_svc.requests import tone


def test_factor_of_one_returns_the_very_samples() -> None:
    samples = tone()
    assert change_volume(samples, 1.0) is samples


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.5, 1.9])
def test_factor_is_linear_where_nothing_is_too_loud(factor: float) -> None:
    samples = tone()  # Peaks at 0.5.
    assert np.array_equal(change_volume(samples, factor), samples * np.float32(factor))


@pytest.mark.parametrize("gain", [1.01, 2.0, 50.0])
def test_loudest_factor_never_clips(gain: float) -> None:
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    for samples in (tone() * 2, noise):
        louder = limit((samples * gain).astype(np.float32))
        assert np.abs(louder).max() <= CEILING
        assert np.abs(louder).max() > 0.9


def test_wave_keeps_its_form_under_the_limiter() -> None:
    # A sine bent at its peaks gets overtones; turned down it stays a sine.
    louder = limit(tone(1.0) * np.float32(4.0))
    spectrum = np.abs(np.fft.rfft(louder * np.hanning(len(louder))))
    spectrum[218:223] = 0.0
    assert spectrum.max() < 0.01 * len(louder) / 4


def test_only_what_is_near_a_peak_is_turned_down() -> None:
    samples = tone(1.0)
    samples[8000] = 1.9
    limited = limit(samples)
    far = np.abs(np.arange(len(samples)) - 8000) > 2 * REACH
    assert np.array_equal(limited[far], samples[far])
    assert not np.array_equal(limited[~far], samples[~far])


def test_gain_moves_without_a_jump() -> None:
    samples = np.full(4000, 0.5, np.float32)
    samples[2000] = 5.0
    gain = limit(samples) / samples
    assert np.abs(np.diff(gain)).max() < 2.0 / REACH
    assert len(find_peaks(-gain, plateau_size=1)[0]) == 1


@pytest.mark.parametrize("count", [0, 1, 5])
def test_shortest_sounds_pass(count: int) -> None:
    assert len(limit(np.full(count, 3.0, np.float32))) == count
