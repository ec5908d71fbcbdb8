import numpy as np
import pytest
from numpy.typing import NDArray

from audio_svc.audio.recording import Recording
from audio_svc.audio.silero import SpeechMeter
from audio_svc.chunks import Chunk
from audio_svc.tape import KEPT, Survey, Tape, survey
from tests.steps import count_steps
from tests.unit.audio_svc.requests import speech

Samples = NDArray[np.float32]
RATE_HZ = 16000


def tape(count: int, block: int) -> Tape:
    whole = np.arange(count, dtype=np.float32)
    return Tape(whole[start : start + block] for start in range(0, count, block))


@pytest.mark.parametrize("block", [1, 7, 1000, 5000])
def test_chunks_are_cut_one_behind_the_other(block: int) -> None:
    source = tape(4000, block)
    for pieces in (((0, 10), (10, 30)), ((100, 1000),), ((1003, 1004), (3500, 4000))):
        _count, made = count_steps(source.cut(Chunk(pieces, RATE_HZ)))
        told = np.concatenate([np.arange(*piece) for piece in pieces])
        assert np.array_equal(made, told)


def test_others_may_compute_after_each_block() -> None:
    source = tape(4000, 100)
    assert count_steps(source.cut(Chunk(((950, 1000),), RATE_HZ)))[0] == 10
    assert count_steps(source.cut(Chunk(((1000, 1001),), RATE_HZ)))[0] == 1


def test_what_lies_before_a_chunk_is_not_kept() -> None:
    source = tape(100_000, 100)
    count_steps(source.cut(Chunk(((90_000, 90_010),), RATE_HZ)))
    assert sum(len(one) for one in source._kept) < 200


@pytest.mark.parametrize("rate_hz", [16000, 44100])
@pytest.mark.parametrize("block", [3000, 65536])
def test_survey_finds_in_blocks_what_is_in_the_whole(rate_hz: int, block: int) -> None:
    whole = np.tile(speech(rate_hz, 0.3), 8)
    parts = (whole[start : start + block] for start in range(0, len(whole), block))
    found = survey(Recording(part, rate_hz) for part in parts)
    assert found.frames == len(whole)
    assert found.duration_s == pytest.approx(len(whole) / rate_hz)
    told = SpeechMeter().measure(np.tile(speech(16000, 0.3), 8))
    assert abs(len(found.probabilities) - len(told)) <= 1
    same = min(len(found.probabilities), len(told))
    if rate_hz == RATE_HZ:
        assert np.abs(found.probabilities - told).max() < 1e-3
    assert np.mean(np.abs(found.probabilities[:same] - told[:same])) < 0.02


@pytest.mark.parametrize("more", [0, 1])
def test_only_a_short_recording_is_kept(more: int) -> None:
    whole = np.zeros(KEPT + more, np.float32)
    whole[::100] = 0.1
    parts = (whole[start : start + 65536] for start in range(0, len(whole), 65536))
    found = survey(Recording(part, RATE_HZ) for part in parts)
    if more:
        assert found.samples is None
    else:
        assert found.samples is not None
        assert np.array_equal(found.samples, whole)


def test_length_at_another_rate_is_what_resampling_makes() -> None:
    assert Survey(44101, 44100, np.zeros(0, np.float32)).count_at(16000) == 16001
