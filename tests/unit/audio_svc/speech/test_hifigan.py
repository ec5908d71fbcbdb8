from pathlib import Path

import pytest
import torch

from audio_svc.speech.hifigan import HifiGan
from fleetserve.errors import ConflictError
from tests.checkpoints.tacotron2 import (
    MEL_BINS,
    make_generator,
    write_plain_vocoder,
    write_speechbrain_vocoder,
)
from tests.unit.audio_svc.speech.tacotron2_reference import vocode

SPECTROGRAM = torch.randn(MEL_BINS, 40, generator=torch.Generator().manual_seed(0))


def test_plain_generator_equals_the_plain_computation(tmp_path: Path) -> None:
    write_plain_vocoder(tmp_path)
    with torch.inference_mode():
        made = HifiGan(tmp_path / "generator_v1.pt", 22050).vocode(SPECTROGRAM[None])
    expected = vocode(make_generator(wrapper=""), SPECTROGRAM, "")
    assert made.shape == (40 * 256,)
    assert (made - expected).abs().max() < 1e-5


def test_speechbrains_generator_equals_the_plain_computation(tmp_path: Path) -> None:
    write_speechbrain_vocoder(tmp_path)
    with torch.inference_mode():
        made = HifiGan(tmp_path / "generator.ckpt", 22050).vocode(SPECTROGRAM[None])
    expected = vocode(make_generator(), SPECTROGRAM, ".conv")
    assert made.shape == (50 * 256,)
    assert (made - expected).abs().max() < 1e-5


@pytest.mark.parametrize("lost", ["conv_pre", "ups", "resblocks.3.convs2", "conv_post"])
def test_what_is_no_whole_generator_is_told(tmp_path: Path, lost: str) -> None:
    state = {name: t for name, t in make_generator().items() if not name.startswith(lost)}
    torch.save(state, tmp_path / "generator.ckpt")
    with pytest.raises(ConflictError, match="vocoder_model"):
        HifiGan(tmp_path / "generator.ckpt", 22050)
