"""VITS against the library's own call on the same files."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import VitsModel, VitsTokenizer

from audio_svc.speech.base import Samples, SpeechPiece, Utterance
from audio_svc.speech.vits import MAX_SECONDS, VitsEngine
from tests.checkpoints.vits import write_vits

SENTENCE = "Hello, this is a test."


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vits")
    write_vits(folder)
    return folder


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vits-several")
    write_vits(folder, speakers=3)
    return folder


@pytest.fixture(scope="module")
def engine(english: Path) -> VitsEngine:
    return VitsEngine(english, "cpu")


def speak(engine: VitsEngine, utterance: Utterance) -> SpeechPiece:
    (piece,) = [piece for piece in engine.synthesize(utterance) if piece is not None]
    return piece


def library(folder: Path, text: str, seed: int, speaker: int | None = None) -> Samples:
    """What anybody gets who follows the model's card."""
    model: Any = VitsModel.from_pretrained(folder)
    inputs: Any = VitsTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    torch.manual_seed(seed)
    samples: Samples = model(**inputs, speaker_id=speaker).waveform[0].detach().numpy()
    return samples


def check_equal(made: Samples, expected: Samples) -> None:
    """But for the order in which the vocoder's products are added up."""
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() < 1e-5


@pytest.mark.parametrize("text", ["Hi", SENTENCE, "many words " * 36])
@pytest.mark.parametrize("seed", [0, 42])
def test_seeded_speech_equals_the_librarys(
    engine: VitsEngine, english: Path, text: str, seed: int
) -> None:
    made = speak(engine, Utterance(text, "default", seed=seed)).samples
    check_equal(made, library(english, text, seed))


@pytest.mark.parametrize("speaker", [0, 2])
def test_each_numbered_voice_is_that_row_of_the_library(several: Path, speaker: int) -> None:
    engine = VitsEngine(several, "cpu")
    made = speak(engine, Utterance(SENTENCE, f"speaker_{speaker}", seed=1)).samples
    check_equal(made, library(several, SENTENCE, 1, speaker))


def test_plain_duration_predictor_equals_the_librarys(tmp_path: Path) -> None:
    write_vits(tmp_path, use_stochastic_duration_prediction=False, speaking_rate=0.5)
    made = speak(VitsEngine(tmp_path, "cpu"), Utterance(SENTENCE, "default", seed=1)).samples
    check_equal(made, library(tmp_path, SENTENCE, 1))


def library_words(
    folder: Path, text: str, seed: int, speaker: int | None = None
) -> list[tuple[str, float, float]]:
    """Of lower-case words that a space parts, by the durations of the library's own call."""
    model: Any = VitsModel.from_pretrained(folder)
    told: list[torch.Tensor] = []
    model.duration_predictor.register_forward_hook(lambda _module, _args, out: told.append(out))
    torch.manual_seed(seed)
    inputs: Any = VitsTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    model(**inputs, speaker_id=speaker)
    frames = torch.ceil(torch.exp(told[0]) / model.speaking_rate)[0, 0]
    # A blank stands before the first letter, and one behind each.
    ends_s = (frames.cumsum(0) * 256 / 16000).tolist()
    return [
        (word[0], ends_s[2 * word.start()], ends_s[2 * word.end()])
        for word in re.finditer("[a-z]+", text)
    ]


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("speaker", [None, 2])
def test_words_are_said_when_the_librarys_durations_have_them(
    english: Path, several: Path, seed: int, speaker: int | None
) -> None:
    folder, voice = (english, "default") if speaker is None else (several, f"speaker_{speaker}")
    piece = speak(VitsEngine(folder, "cpu"), Utterance("Hello, this is a test.", voice, seed=seed))
    expected = library_words(folder, "hello this is a test", seed, speaker)
    assert [word.word for word in piece.words] == ["Hello", "this", "is", "a", "test"]
    for word, (_, start_s, end_s) in zip(piece.words, expected, strict=True):
        assert (word.start_s, word.end_s) == pytest.approx((start_s, end_s))


def test_pickled_weights_speak_alike(engine: VitsEngine, tmp_path: Path) -> None:
    write_vits(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    utterance = Utterance(SENTENCE, "default", seed=1)
    pickled = speak(VitsEngine(tmp_path, "cpu"), utterance).samples
    # Weights in a mapped file are aligned otherwise, which moves the last bits of BLAS.
    assert np.allclose(pickled, speak(engine, utterance).samples, atol=1e-4)


def test_global_generator_is_neither_read_nor_moved(engine: VitsEngine) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    speak(engine, Utterance(SENTENCE, "default", seed=3))
    speak(engine, Utterance(SENTENCE, "default"))
    assert torch.equal(torch.get_rng_state(), before)


def test_endless_durations_are_cut_and_said_to_be(english: Path) -> None:
    engine = VitsEngine(english, "cpu")
    engine._model.speaking_rate = 1e-4
    engine._max_frames = 500
    piece = speak(engine, Utterance(SENTENCE, "default", seed=1))
    assert not piece.complete
    assert len(piece.samples) == 500 * 256
    # The blank before the first letter takes them all.
    assert not piece.words


def test_words_end_where_the_speech_was_cut(english: Path) -> None:
    engine = VitsEngine(english, "cpu")
    engine._max_frames = 30
    piece = speak(engine, Utterance(SENTENCE, "default", seed=1))
    cut_s = 30 * 256 / 16000
    whole = library_words(english, "hello this is a test", 1)
    begun = [(start_s, min(end_s, cut_s)) for _, start_s, end_s in whole if start_s < cut_s]
    assert 0 < len(begun) < 5
    assert [word.start_s for word in piece.words] == pytest.approx([start for start, _ in begun])
    assert [word.end_s for word in piece.words] == pytest.approx([end for _, end in begun])


def test_traits_are_those_of_the_files(engine: VitsEngine) -> None:
    assert engine.traits.sample_rate_hz == 16000
    assert engine.traits.languages == ("en",)
    assert engine.traits.embedding_size == 0
    assert engine.voices() == ("default",)
    assert engine._max_frames == MAX_SECONDS * 16000 / 256


def test_what_only_training_needs_is_not_kept(engine: VitsEngine, english: Path) -> None:
    model: Any = VitsModel.from_pretrained(english)
    unused = sum(part.nbytes for part in model.posterior_encoder.parameters())
    assert engine.storage_bytes < model.num_parameters() * 4 - 0.9 * unused
