import numpy as np

from tests.checkpoints.recordings import SENTENCES, espeak_is_installed, record
from tests.unit.checkpoints.sound import to_16_khz


def test_espeak_is_there() -> None:
    assert espeak_is_installed()


def test_recording_is_audible_and_each_sentence_its_own() -> None:
    first, second = (to_16_khz(record(sentence)) for sentence in SENTENCES)
    assert len(first) > 16000
    assert np.sqrt(np.mean(first**2)) > 0.01
    assert first.shape != second.shape


def test_same_sentence_is_the_same_recording() -> None:
    record.cache_clear()
    again = record(SENTENCES[0])
    record.cache_clear()
    assert record(SENTENCES[0]) == again
