import numpy as np
import pytest

from audio_svc.audio.log_mel import FLOOR, MelSettings, hann, log_mel, mel_matrix

SETTINGS = MelSettings()


def tone(hz: float, seconds: float = 0.5) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(int(seconds * 16000)) / 16000).astype(np.float32)


@pytest.mark.parametrize("hz", [200.0, 1000.0, 5000.0])
def test_tone_is_loudest_in_the_band_that_holds_it(hz: float) -> None:
    band = int(log_mel(tone(hz), SETTINGS)[20].argmax())
    weights = mel_matrix(SETTINGS)[:, band]
    middle_hz = float((weights * np.fft.rfftfreq(512, 1 / 16000)).sum())
    assert middle_hz == pytest.approx(hz, rel=0.12)


def test_one_frame_stands_for_each_hop() -> None:
    assert log_mel(np.zeros(2000, np.float32), SETTINGS).shape == (11, 80)
    assert log_mel(np.zeros(1, np.float32), SETTINGS).shape == (1, 80)


def test_silence_is_at_the_floor() -> None:
    assert log_mel(np.zeros(800, np.float32), SETTINGS) == pytest.approx(np.log(FLOOR))


def test_twice_as_loud_is_log_two_more_in_each_band() -> None:
    noise = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    difference = log_mel(2 * noise, SETTINGS) - log_mel(noise, SETTINGS)
    assert difference == pytest.approx(np.log(2), abs=1e-4)


@pytest.mark.parametrize("fft_size", [512, 256])
def test_every_band_hears_something(fft_size: int) -> None:
    matrix = mel_matrix(MelSettings(fft_size=fft_size, window=fft_size))
    assert matrix.sum(0) == pytest.approx(1, abs=1e-5)


def test_short_window_stands_in_the_middle() -> None:
    window = hann(MelSettings(window=320))
    assert window.shape == (512,)
    assert not window[:96].any()
    assert not window[-95:].any()
    assert window.argmax() == 256
