from itertools import pairwise
from typing import Any

import pytest
import torch
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig, VitsConfig
from transformers.models.vits.modeling_vits import VitsHifiGan

from audio_svc.speech.hifigan_tiles import (
    TILE_FRAMES,
    generate,
    plan_tiles,
    put_channels_innermost,
    vocode,
)

WIDTH, CONDITION = 24, 6
LENGTHS = (1, 2, 7, 8, 9, 40, 63, 64, 65, 71, 130)


def spread(generator: Any) -> Any:
    """Loud enough that a lost edge would be heard."""
    torch.manual_seed(0)
    for parameter in generator.parameters():
        fan_in = parameter[0].numel() if parameter.dim() == 3 else 10.0
        torch.nn.init.normal_(parameter, std=fan_in**-0.5)
    return generator.eval()


def make_speecht5(*, normalize: bool) -> Any:
    config = SpeechT5HifiGanConfig(
        model_in_dim=12,
        upsample_initial_channel=WIDTH,
        upsample_rates=[4, 3],
        upsample_kernel_sizes=[8, 7],
        normalize_before=normalize,
    )
    vocoder: Any = spread(SpeechT5HifiGan(config))
    vocoder.mean.fill_(0.5)
    vocoder.scale.fill_(2.0)
    return vocoder


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("frames", LENGTHS)
def test_speecht5s_vocoder_sounds_the_same_in_tiles(frames: int, normalize: bool) -> None:
    vocoder = make_speecht5(normalize=normalize)
    spectrogram = torch.randn(frames, 12)
    with torch.inference_mode():
        expected = vocoder(spectrogram)
    put_channels_innermost(vocoder)
    made = vocode(vocoder, spectrogram)
    assert made.shape == expected.shape == (frames * 12,)
    assert expected.std() > 0.1
    assert (made - expected).abs().max() < 1e-5


@pytest.mark.parametrize("frames", LENGTHS)
def test_vitss_decoder_with_a_voice_sounds_the_same_in_tiles(frames: int) -> None:
    config = VitsConfig(
        flow_size=12,
        upsample_initial_channel=WIDTH,
        upsample_rates=[4, 2],
        upsample_kernel_sizes=[8, 4],
        speaker_embedding_size=CONDITION,
    )
    decoder: Any = spread(VitsHifiGan(config))
    latents, voice = torch.randn(1, 12, frames), torch.randn(1, CONDITION, 1)
    with torch.inference_mode():
        expected = decoder(latents, voice)[0, 0]
    put_channels_innermost(decoder)
    steps = generate(decoder, latents[0].T, voice)
    rests = 0
    try:
        while True:
            next(steps)
            rests += 1
    except StopIteration as stop:
        made = stop.value
    assert rests == 2
    assert (made - expected).abs().max() < 1e-5


def test_order_in_memory_changes_no_weight() -> None:
    vocoder = make_speecht5(normalize=False)
    before = {name: tensor.clone() for name, tensor in vocoder.state_dict().items()}
    put_channels_innermost(vocoder)
    for name, tensor in vocoder.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize("rate", [1, 4])
def test_all_lengths_are_cut_into_the_same_few_sizes(rate: int) -> None:
    sizes = set()
    for length in range(TILE_FRAMES[-1] * rate, 700):
        tiles = plan_tiles(length, rate)
        assert tiles[0][0] == 0
        assert tiles[-1][1] == length
        assert all(left[0] < right[0] <= left[1] for left, right in pairwise(tiles))
        sizes |= {end - start for start, end in tiles}
    assert sizes == {frames * rate for frames in TILE_FRAMES}
