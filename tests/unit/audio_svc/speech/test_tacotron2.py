"""Tacotron2 with its vocoder against the plain computation, from the same files."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_svc.speech.base import SpeechPiece, Utterance
from audio_svc.speech.tacotron2 import MAX_CHARS, Tacotron2Engine
from audio_svc.speech.tacotron2_alignment import follow_text
from audio_svc.speech.tacotron2_text import text_to_ids
from fleetserve.errors import ConflictError, InvalidFieldError
from fleetserve.manifest import VOCODER_FOLDER
from tests.checkpoints.tacotron2 import (
    make_generator,
    make_tacotron2,
    write_nvidia,
    write_plain_vocoder,
    write_speechbrain,
    write_speechbrain_vocoder,
)
from tests.unit.audio_svc.speech.tacotron2_reference import read_spectrogram, vocode

SENTENCE = "Hello, this is a test."
MOST = 200  # As the fixture's hyperparams.yaml says.

Writer = Callable[[Path], None]


def make_engine(folder: Path, write: Writer, write_vocoder: Writer) -> Tacotron2Engine:
    write(folder)
    write_vocoder(folder / VOCODER_FOLDER)
    return Tacotron2Engine(folder, "cpu")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Tacotron2Engine:
    folder = tmp_path_factory.mktemp("tacotron2")
    return make_engine(folder, write_speechbrain, write_speechbrain_vocoder)


def speak(engine: Tacotron2Engine, utterance: Utterance) -> SpeechPiece:
    (piece,) = [piece for piece in engine.synthesize(utterance) if piece is not None]
    return piece


def reference(text: str, seed: int, wrapper: str) -> np.ndarray:
    spectrogram, _ = read_spectrogram(make_tacotron2(), text_to_ids(text), seed, MOST)
    return vocode(make_generator(wrapper=wrapper), spectrogram, wrapper).numpy()


@pytest.mark.parametrize("text", ["Hi", SENTENCE, "many words " * 12])
@pytest.mark.parametrize("seed", [0, 42])
def test_speechbrains_files_speak_as_the_plain_computation(
    engine: Tacotron2Engine, text: str, seed: int
) -> None:
    made, expected = (
        speak(engine, Utterance(text, "default", seed=seed)),
        reference(text, seed, ".conv"),
    )
    assert made.complete
    assert made.samples.shape == expected.shape
    assert np.abs(made.samples - expected).max() < 1e-5
    assert np.sqrt(np.mean(expected**2)) > 0.01


def test_nvidias_file_and_a_plain_generator_speak_as_the_plain_computation(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, write_nvidia, write_plain_vocoder)
    made, expected = (
        speak(engine, Utterance(SENTENCE, "default", seed=1)),
        reference(SENTENCE, 1, ""),
    )
    assert made.samples.shape == expected.shape
    assert np.abs(made.samples - expected).max() < 1e-5


def attended_words(text: str, seed: int, lead: int) -> list[tuple[str, float, float]]:
    """By the attention of the plain computation; text: lower case, with single spaces."""
    _, attention = read_spectrogram(make_tacotron2(), text_to_ids(text), seed, MOST)
    counts = follow_text(attention.numpy())
    way = [token for token, count in enumerate(counts) for _ in range(count)]
    words = []
    for word in re.finditer("[a-z]+", text):
        frames = [frame for frame, token in enumerate(way) if word.start() <= token < word.end()]
        if frames:
            begin, end = frames[0] + lead, frames[-1] + 1 + lead
            words.append((word[0], begin * 256 / 22050, end * 256 / 22050))
    return words


@pytest.mark.parametrize(
    ("write", "write_vocoder", "lead"),
    [
        (write_speechbrain, write_speechbrain_vocoder, 5),
        (write_nvidia, write_plain_vocoder, 0),
    ],
)
def test_words_are_said_where_the_attention_is(
    tmp_path: Path, write: Writer, write_vocoder: Writer, lead: int
) -> None:
    engine = make_engine(tmp_path, write, write_vocoder)
    piece = speak(engine, Utterance(SENTENCE, "default", seed=1))
    expected = attended_words(SENTENCE.lower(), 1, lead)
    assert len(expected) > 1
    assert [word.word.lower() for word in piece.words] == [word for word, _, _ in expected]
    for word, (_, start_s, end_s) in zip(piece.words, expected, strict=True):
        assert (word.start_s, word.end_s) == pytest.approx((start_s, end_s))


def test_text_that_the_gate_does_not_end_is_said_to_be_cut(tmp_path: Path) -> None:
    engine = make_engine(tmp_path, write_speechbrain, write_speechbrain_vocoder)
    engine._max_frames = 30
    piece = speak(engine, Utterance(SENTENCE, "default", seed=1))
    assert not piece.complete
    assert len(piece.samples) == (30 + 2 * 5) * 256


def test_it_rests_after_every_frame(engine: Tacotron2Engine) -> None:
    steps = list(engine.synthesize(Utterance(SENTENCE, "default", seed=1)))
    piece = steps.pop()
    assert piece is not None
    assert steps == [None] * (len(piece.samples) // 256 - 2 * 5)


def test_global_generator_is_neither_read_nor_moved(engine: Tacotron2Engine) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    speak(engine, Utterance(SENTENCE, "default", seed=3))
    speak(engine, Utterance(SENTENCE, "default"))
    assert torch.equal(torch.get_rng_state(), before)


def test_traits_are_those_of_the_files(engine: Tacotron2Engine) -> None:
    assert engine.traits.sample_rate_hz == 22050
    assert engine.traits.languages == ("en",)
    assert engine.traits.max_chars == MAX_CHARS
    assert engine.voices() == ("default",)


def test_text_without_a_known_character_is_refused(engine: Tacotron2Engine) -> None:
    with pytest.raises(InvalidFieldError, match="English"):
        speak(engine, Utterance("日本", "default"))


def test_without_a_vocoder_it_is_not_loaded(tmp_path: Path) -> None:
    write_speechbrain(tmp_path)
    with pytest.raises(ConflictError, match="vocoder"):
        Tacotron2Engine(tmp_path, "cpu")
