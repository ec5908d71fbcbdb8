import numpy as np

from audio_svc.audio.volume import KNEE, change_volume, limit
from tests.unit.audio_svc.requests import tone


def test_factor_of_one_returns_the_very_samples() -> None:
    samples = tone()
    assert change_volume(samples, 1.0) is samples


def test_factor_is_linear_below_the_knee() -> None:
    samples = tone()  # Peaks at 0.5.
    assert np.array_equal(change_volume(samples, 0.5), samples * np.float32(0.5))


def test_loudest_factor_never_clips() -> None:
    samples = (tone() * 2).astype(np.float32)  # Peaks at full scale.
    louder = change_volume(samples, 2.0)
    assert np.abs(louder).max() < 1.0
    assert np.abs(louder).max() > KNEE


def test_limiter_keeps_the_order_of_samples_and_their_signs() -> None:
    samples = np.linspace(-1.5, 1.5, 1001, dtype=np.float32)
    limited = limit(samples)
    assert (np.diff(limited) >= 0).all()
    assert np.array_equal(np.sign(limited), np.sign(samples))
