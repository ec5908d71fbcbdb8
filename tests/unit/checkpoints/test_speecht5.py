from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Tokenizer

from tests.checkpoints.hub_root import HIFIGAN, SPEECHT5, SPEECHT5_SAFETENSORS
from tests.checkpoints.speecht5 import make_hifigan, make_speecht5
from tests.checkpoints.xvectors import make_xvector

TEXTS = ("Hi.", "Hello, this is a test of the text-to-speech system.", "x" * 180)


class Voice:
    """A checkpoint as the library loads it."""

    def __init__(self, folder: Path, vocoder: Path) -> None:
        self.model: Any = SpeechT5ForTextToSpeech.from_pretrained(folder)
        self.vocoder: Any = SpeechT5HifiGan.from_pretrained(vocoder)
        self.tokenizer: Any = SpeechT5Tokenizer.from_pretrained(folder)

    def speak(self, text: str, seed: int, speaker: int = 0) -> torch.Tensor:
        ids = self.tokenizer(text, return_tensors="pt").input_ids
        torch.manual_seed(seed)
        voice = torch.from_numpy(make_xvector(speaker))[None]
        speech: torch.Tensor = self.model.generate_speech(ids, voice, vocoder=self.vocoder)
        return speech


@pytest.fixture(scope="module", params=[SPEECHT5, SPEECHT5_SAFETENSORS])
def voice(hub_root: Path, request: pytest.FixtureRequest) -> Voice:
    return Voice(hub_root / request.param, hub_root / HIFIGAN)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_speaks_audibly_for_more_than_half_a_second(voice: Voice, text: str, seed: int) -> None:
    speech = voice.speak(text, seed)
    assert len(speech) > 0.5 * 16000
    assert speech.square().mean().sqrt() > 0.001
    assert speech.abs().max() < 1.0


def test_it_stops_by_itself(voice: Voice) -> None:
    assert len(voice.speak("x" * 180, 0)) < 5 * 16000


def test_seed_text_and_speaker_are_heard(voice: Voice) -> None:
    spoken = [
        voice.speak("Hello.", 0),
        voice.speak("Hello.", 1),
        voice.speak("Goodbye.", 0),
        voice.speak("Hello.", 0, speaker=1),
    ]
    assert len({speech.numpy().tobytes() for speech in spoken}) == len(spoken)


def test_weights_are_all_loaded_from_the_files(voice: Voice) -> None:
    made = make_speecht5().state_dict()
    loaded = voice.model.state_dict()
    assert made.keys() == loaded.keys()
    assert all(torch.equal(made[name], loaded[name]) for name in made)
    vocoder = make_hifigan().state_dict()
    assert all(torch.equal(vocoder[k], v) for k, v in voice.vocoder.state_dict().items())


def test_bin_is_read_with_weights_only_and_holds_the_position_tables(hub_root: Path) -> None:
    path = hub_root / SPEECHT5 / "pytorch_model.bin"
    state = torch.load(path, weights_only=True)
    assert any(name.endswith("encode_positions.pe") for name in state)


def test_building_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    make_speecht5()
    make_hifigan()
    assert torch.equal(torch.get_rng_state(), before)
