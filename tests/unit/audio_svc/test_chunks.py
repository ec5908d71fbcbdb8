from itertools import pairwise

import numpy as np
import pytest

from audio_svc.chunks import Chunk, plan_all, plan_speech, whole
from audio_svc.transcription.base import Segment, Word

RATE_HZ = 16000
WINDOW = 512


@pytest.fixture
def chunk() -> Chunk:
    """Second 1 to 2 and second 5 to 7 of a file."""
    return Chunk(((16000, 32000), (80000, 112000)), RATE_HZ)


def segment(start_s: float, end_s: float, *words: Word) -> Segment:
    return Segment(start_s, end_s, " a", -0.1, "en", words=words)


@pytest.mark.parametrize(
    ("heard", "in_file"),
    [
        ((0.0, 0.5), (1.0, 1.5)),
        ((0.0, 1.0), (1.0, 2.0)),
        ((1.0, 2.0), (5.0, 6.0)),
        ((0.5, 1.5), (1.5, 5.5)),
        ((2.5, 9.0), (6.5, 7.0)),
    ],
)
def test_times_are_those_of_the_file(
    chunk: Chunk, heard: tuple[float, float], in_file: tuple[float, float]
) -> None:
    placed = chunk.place(segment(*heard, Word("a", *heard)))
    assert (placed.start_s, placed.end_s) == pytest.approx(in_file)
    assert (placed.words[0].start_s, placed.words[0].end_s) == pytest.approx(in_file)


def test_spans_of_speech_fill_a_chunk_and_no_more_than_that() -> None:
    probabilities = np.tile(np.repeat([0.9, 0.0], [100, 40]).astype(np.float32), 10)
    count = len(probabilities) * WINDOW
    chunks = plan_speech(probabilities, count, RATE_HZ, 10.0)
    lengths = [sum(end - start for start, end in one.pieces) / RATE_HZ for one in chunks]
    assert max(lengths) <= 10.0
    assert len(chunks) == 5
    edges = [edge for one in chunks for piece in one.pieces for edge in piece]
    assert edges == sorted(edges)


def test_no_speech_is_no_chunk() -> None:
    assert plan_speech(np.zeros(100, np.float32), 51200, RATE_HZ, 30.0) == []


def test_everything_is_cut_without_a_gap() -> None:
    probabilities = np.random.default_rng(0).random(4000).astype(np.float32)
    count = 4000 * WINDOW - 100
    chunks = plan_all(probabilities, count, RATE_HZ, 30.0)
    pieces = [piece for one in chunks for piece in one.pieces]
    assert pieces[0][0] == 0
    assert pieces[-1][1] == count
    assert all(a[1] == b[0] for a, b in pairwise(pieces))
    assert max(end - start for start, end in pieces) <= 30 * RATE_HZ


def test_other_rates_are_cut_at_the_same_times() -> None:
    probabilities = np.repeat([0.0, 0.9, 0.0], 50).astype(np.float32)
    slow = plan_speech(probabilities, 38400, 8000, 30.0)
    fast = plan_speech(probabilities, 76800, 16000, 30.0)
    assert slow[0].pieces[0][0] / 8000 == pytest.approx(fast[0].pieces[0][0] / 16000)


def test_whole_is_all_of_it() -> None:
    assert whole(10, RATE_HZ) == [Chunk(((0, 10),), RATE_HZ)]
