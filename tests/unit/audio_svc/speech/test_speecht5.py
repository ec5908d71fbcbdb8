"""SpeechT5 against the library's own call on the same files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Tokenizer

from audio_svc.speech.base import Samples, SpeechPiece, Utterance
from audio_svc.speech.speecht5 import MAX_CHARS, NO_DEFAULT_VOICE, SpeechT5Engine
from fleetserve.errors import InvalidFieldError
from fleetserve.manifest import DEFAULT_VOICE_FILE, VOCODER_FOLDER

SENTENCE = "Hello, this is a test of the text-to-speech system."


@pytest.fixture(scope="module")
def engine(speecht5_folder: Path) -> SpeechT5Engine:
    engine = SpeechT5Engine(speecht5_folder, "cpu")
    engine.warm_up()
    return engine


@pytest.fixture(scope="module")
def without_voice(safetensors_folder: Path) -> SpeechT5Engine:
    engine = SpeechT5Engine(safetensors_folder, "cpu")
    engine.warm_up()
    return engine


def speak(engine: SpeechT5Engine, utterance: Utterance) -> SpeechPiece:
    (piece,) = [piece for piece in engine.synthesize(utterance) if piece is not None]
    return piece


def library(folder: Path, text: str, voice: Samples, seed: int) -> Samples:
    """What anybody gets who follows the model's card."""
    model: Any = SpeechT5ForTextToSpeech.from_pretrained(folder)
    vocoder: Any = SpeechT5HifiGan.from_pretrained(folder / VOCODER_FOLDER)
    tokenizer: Any = SpeechT5Tokenizer.from_pretrained(folder)
    ids = tokenizer(text, return_tensors="pt").input_ids
    torch.manual_seed(seed)
    speech = model.generate_speech(ids, torch.from_numpy(voice)[None], vocoder=vocoder)
    samples: Samples = speech.numpy()
    return samples


def check_equal(made: Samples, expected: Samples) -> None:
    """But for the order in which the vocoder's products are added up."""
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() < 1e-5


@pytest.mark.parametrize("text", ["Hi.", SENTENCE, "WHAT? 12 + 3 = é!", "a " * 90])
@pytest.mark.parametrize("seed", [0, 42])
def test_seeded_speech_equals_the_librarys(
    engine: SpeechT5Engine, speecht5_folder: Path, text: str, seed: int
) -> None:
    made = speak(engine, Utterance(text, "default", seed=seed)).samples
    voice = np.load(speecht5_folder / DEFAULT_VOICE_FILE)
    expected = library(speecht5_folder, text, voice, seed)
    check_equal(made, expected)


def test_both_weight_layouts_speak_alike(
    engine: SpeechT5Engine, without_voice: SpeechT5Engine
) -> None:
    utterance = Utterance(SENTENCE, "neutral", seed=1)
    first, second = speak(engine, utterance), speak(without_voice, utterance)
    # Weights in a mapped file are aligned otherwise, which moves the last bits of BLAS.
    assert np.allclose(first.samples, second.samples, atol=1e-4)


def test_without_a_default_voice_it_is_neutral_and_says_so(without_voice: SpeechT5Engine) -> None:
    assert without_voice.voices() == ("neutral",)
    assert without_voice.traits.default_voice == "neutral"
    assert without_voice.traits.default_voice_warning == NO_DEFAULT_VOICE


def test_with_a_default_voice_there_is_nothing_to_warn_of(engine: SpeechT5Engine) -> None:
    assert engine.voices() == ("default", "neutral")
    assert engine.traits.default_voice_warning == ""


def test_safetensors_as_neutral_equal_the_librarys_zero_vector(
    without_voice: SpeechT5Engine, safetensors_folder: Path
) -> None:
    made = speak(without_voice, Utterance(SENTENCE, "neutral", seed=1)).samples
    expected = library(safetensors_folder, SENTENCE, np.zeros(512, np.float32), 1)
    check_equal(made, expected)


def test_own_embedding_wins_over_the_voice(engine: SpeechT5Engine, speecht5_folder: Path) -> None:
    voice = np.load(speecht5_folder / DEFAULT_VOICE_FILE)
    own = speak(engine, Utterance("Hi.", "neutral", voice, 1)).samples
    assert np.array_equal(own, speak(engine, Utterance("Hi.", "default", seed=1)).samples)


def test_traits_are_those_of_the_files(engine: SpeechT5Engine) -> None:
    traits = engine.traits
    assert traits.sample_rate_hz == 16000
    assert traits.embedding_size == 512
    assert traits.max_chars == MAX_CHARS
    assert traits.languages == ("en",)


def test_weights_are_counted_in_float32(engine: SpeechT5Engine, speecht5_folder: Path) -> None:
    model: Any = SpeechT5ForTextToSpeech.from_pretrained(speecht5_folder)
    assert engine.storage_bytes > model.num_parameters() * 4


def test_characters_that_stand_for_whole_words_are_refused_when_too_many(
    engine: SpeechT5Engine,
) -> None:
    with pytest.raises(InvalidFieldError, match="tokens"):
        speak(engine, Utterance("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 390, "default"))


def test_finished_speech_is_complete(engine: SpeechT5Engine) -> None:
    assert speak(engine, Utterance(SENTENCE, "default", seed=1)).complete
