import itertools

import numpy as np
import pytest

from audio_svc.transcription.tiny_stretches import LONGEST_S, find_stretches

RATE_HZ = 16000


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    dice = np.random.default_rng(0)
    return (level * dice.standard_normal(int(seconds * RATE_HZ))).astype(np.float32)


def quiet(seconds: float) -> np.ndarray:
    return noise(seconds, 0.0005)


def seconds_of(*parts: np.ndarray) -> list[tuple[float, float]]:
    found = find_stretches(np.concatenate(parts), RATE_HZ)
    return [(start / RATE_HZ, end / RATE_HZ) for start, end in found]


def test_what_lies_between_pauses_is_found_with_a_margin() -> None:
    (first, second) = seconds_of(quiet(1), noise(2), quiet(1), noise(1), quiet(1))
    assert first == pytest.approx((0.9, 3.1), abs=0.05)
    assert second == pytest.approx((3.9, 5.1), abs=0.05)


def test_short_gap_parts_nothing() -> None:
    assert len(seconds_of(noise(1), quiet(0.3), noise(1))) == 1


def test_silence_has_none() -> None:
    assert find_stretches(np.zeros(RATE_HZ, np.float32), RATE_HZ) == []
    assert find_stretches(np.zeros(1, np.float32), RATE_HZ) == []


def test_long_stretch_is_cut_where_it_is_quietest() -> None:
    parts = [noise(18), quiet(0.2), noise(17), quiet(0.2), noise(10)]
    found = seconds_of(*parts)
    assert all(end - start <= LONGEST_S for start, end in found)
    assert all(before[1] == after[0] for before, after in itertools.pairwise(found))
    assert found[0][1] == pytest.approx(18.1, abs=0.1)
    assert found[-1][1] == pytest.approx(45.4, abs=0.05)
