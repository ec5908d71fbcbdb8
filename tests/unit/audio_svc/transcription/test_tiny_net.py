import pytest
import torch

from audio_svc.transcription.tiny_net import LETTERS, Ear, EarShape, letter_steps, normalise

SHAPE = EarShape(bands=8, width=16, blocks=2)


@pytest.mark.parametrize("frames", [1, 3, 4, 5, 100])
def test_steps_are_as_many_as_told(frames: int) -> None:
    ear = Ear(SHAPE).eval()
    logits = ear(torch.zeros(1, frames, SHAPE.bands))
    assert logits.shape == (1, letter_steps(frames), len(LETTERS))


def test_half_way_is_one_state_for_two_letters() -> None:
    half_way, logits = Ear(SHAPE).eval().hear(torch.zeros(2, 8, SHAPE.bands))
    assert half_way.shape == (2, 2, SHAPE.width)
    assert logits.shape[1] == 4


def test_loudness_does_not_matter() -> None:
    frames = torch.randn(20, 8)
    assert torch.allclose(normalise(frames), normalise(frames + 3), atol=1e-4)


def test_silence_stays_finite() -> None:
    assert normalise(torch.full((5, 8), -11.5)).isfinite().all()
