import numpy as np
import pytest
from numpy.typing import NDArray

from audio_svc.audio.decoding import decode, resample
from audio_svc.audio.prosody import change_pitch, change_speed
from tests.checkpoints.recordings import SENTENCES, record

RATE_HZ = 16000
Samples = NDArray[np.float32]


def hum(seconds: float = 2.0, pitch_hz: float = 150.0) -> Samples:
    """A voiced sound: harmonics under an envelope with a formant at 900 Hz."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    harmonics = np.arange(1, int(4000 / pitch_hz))
    weights = np.exp(-0.5 * ((harmonics * pitch_hz - 900.0) / 300.0) ** 2) + 0.05
    waves = np.sin(2 * np.pi * pitch_hz * harmonics[:, None] * time_s) * weights[:, None]
    total = waves.sum(axis=0)
    made: Samples = (0.4 * total / np.abs(total).max()).astype(np.float32)
    return made


def pitch_of(samples: Samples) -> float:
    """The fundamental, by the first strong peak of the autocorrelation within 60 to 400 Hz."""
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(middle, 4 * len(middle))) ** 2
    correlation = np.fft.irfft(spectrum)
    shortest, longest = RATE_HZ // 400, RATE_HZ // 60
    strong = correlation[shortest:longest] > 0.85 * correlation[shortest:longest].max()
    lag = shortest + int(strong.argmax())
    while correlation[lag + 1] > correlation[lag]:
        lag += 1
    left, top, right = correlation[lag - 1 : lag + 2]
    return float(RATE_HZ) / float(lag + 0.5 * (left - right) / (left - 2 * top + right))


def formant_of(samples: Samples) -> float:
    """Where the energy between 300 and 3000 Hz has its centre."""
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    band = (frequencies > 300) & (frequencies < 3000)
    return float((spectrum[band] * frequencies[band]).sum() / spectrum[band].sum())


def semitones(ratio: float) -> float:
    return float(12 * np.log2(ratio))


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
def test_speed_changes_the_duration_and_keeps_the_pitch(factor: float) -> None:
    changed = change_speed(hum(), RATE_HZ, factor)
    assert abs(len(changed) / (len(hum()) / factor) - 1) < 0.01
    assert abs(semitones(pitch_of(changed) / pitch_of(hum()))) < 0.2


@pytest.mark.parametrize("factor", [0.6, 0.8, 1.25, 1.6])
def test_pitch_changes_the_fundamental_and_keeps_duration_and_formant(factor: float) -> None:
    changed = change_pitch(hum(), RATE_HZ, factor)
    assert len(changed) == len(hum())
    assert abs(semitones(pitch_of(changed) / pitch_of(hum()) / factor)) < 0.2
    # Without the envelope put back the formant goes with the pitch: off by the whole factor.
    assert abs(formant_of(changed) / formant_of(hum()) - 1) < 0.2


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_extremes_stay_in_range_on_speech(factor: float) -> None:
    speech = decode(record(SENTENCES[0]), field="file", max_seconds=60)
    samples = resample(speech.samples, speech.rate_hz, RATE_HZ)
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
