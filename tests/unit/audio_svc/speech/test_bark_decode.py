"""The stages with settings that the engine's tests don't have, against the library."""

from typing import Any

import pytest
import torch
from transformers import GenerationConfig

from audio_svc.speech.bark_decode import BarkDecoder, BarkStages
from audio_svc.speech.bark_sampling import Sampler
from fleetserve.replica.stepwise import run_to_end
from tests.checkpoints.bark import CODES, GENERATION, TEXT_LENGTH, make_bark

TOKENS = torch.tensor([[104, 120, 131, 140]])


def make_voice(frames: int) -> dict[str, torch.Tensor]:
    numbers = torch.Generator().manual_seed(frames)
    return {
        "semantic_prompt": torch.randint(0, 100, (frames * 2 // 3,), generator=numbers),
        "coarse_prompt": torch.randint(0, CODES, (2, frames), generator=numbers),
        "fine_prompt": torch.randint(0, CODES, (8, frames), generator=numbers),
    }


def make_model(**settings: dict[str, Any]) -> Any:
    model = make_bark()
    parts = {name: GENERATION[name] | settings.get(name, {}) for name in GENERATION_PARTS}
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        **parts, codebook_size=CODES, sample_rate=24000
    )
    return model


GENERATION_PARTS = ("semantic_config", "coarse_acoustics_config", "fine_acoustics_config")


def decode(model: Any, voice: dict[str, torch.Tensor]) -> torch.Tensor:
    sampler = Sampler(torch.device("cpu"), 7)
    steps = BarkDecoder(model, BarkStages.of(model), voice, sampler).decode(TOKENS)
    samples, _ended = run_to_end(steps)
    return samples


@pytest.mark.parametrize("frames", [12, 75, 300])
@pytest.mark.parametrize(
    "settings",
    [
        {"semantic_config": {"do_sample": False}, "coarse_acoustics_config": {"do_sample": False}},
        {"semantic_config": {"top_k": None}, "coarse_acoustics_config": {"top_k": None}},
        {"semantic_config": {"top_k": 5, "top_p": 0.8}, "fine_acoustics_config": {}},
        {"semantic_config": {"min_eos_p": 0.2}, "fine_acoustics_config": {"temperature": 1.0}},
    ],
)
def test_sound_equals_the_librarys_in_every_bit(
    settings: dict[str, dict[str, Any]], frames: int
) -> None:
    model, voice = make_model(**settings), make_voice(frames)
    made = decode(model, voice)
    torch.manual_seed(7)
    mask = torch.ones_like(TOKENS)
    short = TEXT_LENGTH - TOKENS.shape[1]
    expected = model.generate(
        torch.nn.functional.pad(TOKENS, (0, short)),
        attention_mask=torch.nn.functional.pad(mask, (0, short)),
        history_prompt={part: array.clone() for part, array in voice.items()},
    )[0]
    assert torch.equal(made, expected)
