from itertools import pairwise
from typing import Any

import pytest
import torch
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig, VitsConfig
from transformers.models.vits.modeling_vits import VitsHifiGan

from audio_svc.speech.hifigan_tiles import (
    TILE_FRAMES,
    generate,
    generate_together,
    plan_tiles,
    put_channels_innermost,
    vocode,
)
from tests.steps import count_steps

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


def make_vits() -> Any:
    config = VitsConfig(
        flow_size=12,
        upsample_initial_channel=WIDTH,
        upsample_rates=[4, 2],
        upsample_kernel_sizes=[8, 4],
        speaker_embedding_size=CONDITION,
    )
    return spread(VitsHifiGan(config))


@pytest.mark.parametrize("frames", LENGTHS)
def test_vitss_decoder_with_a_voice_sounds_the_same_in_tiles(frames: int) -> None:
    decoder = make_vits()
    latents, voice = torch.randn(1, 12, frames), torch.randn(1, CONDITION, 1)
    with torch.inference_mode():
        expected = decoder(latents, voice)[0, 0]
    put_channels_innermost(decoder)
    rests, made = count_steps(generate(decoder, latents[0].T, voice))
    assert rests == 2
    assert (made - expected).abs().max() < 1e-5


@pytest.mark.parametrize("lengths", [(5, 5), LENGTHS, (300, 1, 1, 40), (3,)])
def test_vitss_utterances_in_company_sound_as_alone(lengths: tuple[int, ...]) -> None:
    decoder = make_vits()
    several = [torch.randn(frames, 12) for frames in lengths]
    voices = [torch.randn(1, CONDITION, 1) for _ in lengths]
    with torch.inference_mode():
        expected = [
            decoder(rows.T[None], voice)[0, 0] for rows, voice in zip(several, voices, strict=True)
        ]
    put_channels_innermost(decoder)
    check_each(generate_together(decoder, several, voices), expected)


@pytest.mark.parametrize("rates", [[4, 3], [2, 4], [3, 2]])
def test_speecht5s_utterances_in_company_sound_as_alone(rates: list[int]) -> None:
    """With upsamplings that add a row, too."""
    config = SpeechT5HifiGanConfig(
        model_in_dim=12,
        upsample_initial_channel=WIDTH,
        upsample_rates=rates,
        upsample_kernel_sizes=[8, 7],
        normalize_before=False,
    )
    vocoder: Any = spread(SpeechT5HifiGan(config))
    several = [torch.randn(frames, 12) for frames in LENGTHS]
    with torch.inference_mode():
        expected = [vocoder(rows) for rows in several]
    put_channels_innermost(vocoder)
    check_each(generate_together(vocoder, several, [None] * len(several)), expected)


def check_each(made: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    assert [len(one) for one in made] == [len(one) for one in expected]
    for one, other in zip(made, expected, strict=True):
        assert (one - other).abs().max() < 1e-5


def test_nothing_of_an_utterance_is_heard_in_its_neighbours() -> None:
    decoder = make_vits()
    put_channels_innermost(decoder)
    several = [torch.randn(frames, 12) for frames in (20, 30, 9)]
    expected = generate_together(decoder, several, [None] * 3)
    broken = generate_together(
        decoder, [several[0], torch.full((30, 12), torch.nan), several[2]], [None] * 3
    )
    assert broken[1].isnan().all()
    check_each([broken[0], broken[2]], [expected[0], expected[2]])


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
