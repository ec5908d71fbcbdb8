import numpy as np
import pytest

from audio_svc.audio.log_mel import log_mel
from audio_svc.speech.tiny_sound import MEL, make_sound

FRAMES = 80


def steady(value: float) -> np.ndarray:
    return np.full(FRAMES, value, np.float32)


def shaped() -> np.ndarray:
    """A voice's fall towards the high bands with one hump, the same in all frames."""
    band = np.arange(MEL.bands)
    row = -2.0 - band / 20 + 1.5 * np.exp(-(((band - 30) / 6) ** 2))
    return np.tile(row, (FRAMES, 1)).astype(np.float32)


def test_sound_has_the_bands_that_were_asked_for() -> None:
    for voicing in (0.0, 1.0):
        samples = make_sound(shaped(), steady(140.0), steady(voicing), seed=1)
        assert samples.shape == (FRAMES * MEL.hop,)
        found = log_mel(samples, MEL)[10:-10].mean(0)
        assert np.abs(found - shaped()[0])[4:-4].mean() < 0.35


@pytest.mark.parametrize("hz", [90.0, 150.0, 240.0])
def test_voice_has_the_pitch_that_was_asked_for(hz: float) -> None:
    samples = make_sound(shaped(), steady(hz), steady(1.0), seed=1)[4000:12000]
    likeness = np.correlate(samples, samples, "full")[len(samples) - 1 :]
    # Two periods are as much alike as one: the search ends before them.
    low, high = int(0.7 * 16000 / hz), int(1.4 * 16000 / hz)
    assert 16000 / (low + int(likeness[low:high].argmax())) == pytest.approx(hz, rel=0.02)


def test_unvoiced_sound_has_no_pitch_and_hangs_on_the_seed() -> None:
    first, again, other = (
        make_sound(shaped(), steady(150.0), steady(0.0), seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    middle = first[4000:12000]
    likeness = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    assert likeness[40:250].max() < 0.5 * likeness[0]


def test_one_frame_is_enough() -> None:
    assert len(make_sound(shaped()[:1], steady(100.0)[:1], steady(1.0)[:1], 0)) == MEL.hop
