import numpy as np
import pytest

from audio_svc.audio.resampling import change_rate
from audio_svc.audio.stream_resampling import StreamResampler

RATES = [(16000, 24000), (16000, 44100), (22050, 16000), (24000, 8000), (16000, 48000)]


def stream(samples: np.ndarray, from_hz: int, to_hz: int, sizes: list[int]) -> list[np.ndarray]:
    resampler = StreamResampler(from_hz, to_hz)
    pieces = [resampler.add(piece) for piece in np.split(samples, np.cumsum(sizes))]
    return [*pieces, resampler.finish()]


@pytest.mark.parametrize(("from_hz", "to_hz"), RATES)
@pytest.mark.parametrize("sizes", [[], [1], [1, 1, 1, 5000, 7], [8000, 8000], [0, 333, 0]])
def test_pieces_together_equal_the_whole(from_hz: int, to_hz: int, sizes: list[int]) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 20000).astype(np.float32)
    made = np.concatenate(stream(samples, from_hz, to_hz, sizes))
    whole = change_rate(samples, from_hz, to_hz)
    assert len(made) == len(whole)
    assert np.abs(made - whole).max() < 1e-5


def test_little_is_held_back() -> None:
    samples = np.ones(16000, np.float32)
    first = StreamResampler(16000, 24000).add(samples)
    assert len(first) > 24000 - 240


def test_memory_does_not_grow_with_the_speech() -> None:
    resampler = StreamResampler(16000, 44100)
    for _ in range(50):
        resampler.add(np.ones(16000, np.float32))
    assert len(resampler._kept) < 2000


def test_same_rate_passes_untouched() -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 100).astype(np.float32)
    first, rest, last = stream(samples, 16000, 16000, [40])
    assert np.array_equal(np.concatenate([first, rest, last]), samples)
