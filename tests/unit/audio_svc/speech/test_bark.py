"""Bark against the library's own call on the same files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import BarkModel, BarkProcessor

from audio_svc.speech.bark import BarkEngine
from audio_svc.speech.base import Samples, SpeechPiece, Utterance
from fleetserve.errors import InvalidFieldError
from tests.checkpoints.bark import SEMANTIC_TOKENS, TEXT_LENGTH, write_bark

SENTENCE = "Hello, this is a test."
USUAL = "v2/en_speaker_6"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bark")
    write_bark(folder)
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path) -> BarkEngine:
    return BarkEngine(folder, "cpu")


def speak(engine: BarkEngine, utterance: Utterance) -> SpeechPiece:
    (piece,) = [piece for piece in engine.synthesize(utterance) if piece is not None]
    return piece


def library(folder: Path, text: str, voice: str, seed: int) -> Samples:
    """What anybody gets who follows the model's card."""
    model: Any = BarkModel.from_pretrained(folder)
    processor: Any = BarkProcessor.from_pretrained(folder)  # type: ignore[no-untyped-call]
    inputs = processor(text, voice_preset=voice, max_length=TEXT_LENGTH)
    torch.manual_seed(seed)
    samples: Samples = model.generate(**inputs)[0].numpy()
    return samples


@pytest.mark.parametrize(("text", "voice"), [(SENTENCE, USUAL), ("many words " * 5, "announcer")])
@pytest.mark.parametrize("seed", [0, 42])
def test_seeded_speech_equals_the_librarys_in_every_bit(
    engine: BarkEngine, folder: Path, text: str, voice: str, seed: int
) -> None:
    made = speak(engine, Utterance(text, voice, seed=seed)).samples
    assert np.array_equal(made, library(folder, text, voice, seed))


def test_it_rests_after_every_token(engine: BarkEngine) -> None:
    steps = list(engine.synthesize(Utterance(SENTENCE, USUAL, seed=1)))
    frames = sum(len(piece.samples) for piece in steps if piece is not None) // 320
    # Two coarse tokens a frame, two thirds of that semantic ones, and the fine codebooks.
    assert steps.count(None) > 2.5 * frames


def test_text_that_the_first_stage_does_not_finish_is_said_to_be_cut(folder: Path) -> None:
    engine = BarkEngine(folder, "cpu")
    engine._stages.semantic.max_new_tokens = 10
    assert not speak(engine, Utterance(SENTENCE, USUAL, seed=1)).complete


def test_end_that_is_drawn_first_is_not_taken(folder: Path) -> None:
    engine = BarkEngine(folder, "cpu")
    engine._model.semantic.lm_head.weight.data[SEMANTIC_TOKENS].mul_(-1)
    piece = speak(engine, Utterance(SENTENCE, USUAL, seed=1))
    assert piece.complete
    assert 0 < len(piece.samples) <= 2 * 320


def test_model_that_can_say_nothing_is_told_of(folder: Path) -> None:
    engine = BarkEngine(folder, "cpu")
    engine._model.semantic.lm_head.weight.data[SEMANTIC_TOKENS].mul_(-1)
    engine._stages.semantic.top_k = 1
    with pytest.raises(InvalidFieldError, match="nothing to say"):
        speak(engine, Utterance(SENTENCE, USUAL, seed=1))


def test_too_many_tokens_are_refused(engine: BarkEngine) -> None:
    with pytest.raises(InvalidFieldError, match="tokens"):
        speak(engine, Utterance("! " * 140, USUAL))


def test_traits_are_those_of_the_files(engine: BarkEngine) -> None:
    traits = engine.traits
    assert traits.sample_rate_hz == 24000
    assert traits.default_voice == USUAL
    assert traits.languages == ("de", "en")
    assert traits.language_voices == {"de": "v2/de_speaker_3", "en": USUAL}


def test_global_generator_is_neither_read_nor_moved(engine: BarkEngine) -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    speak(engine, Utterance(SENTENCE, USUAL, seed=3))
    assert torch.equal(torch.get_rng_state(), before)
