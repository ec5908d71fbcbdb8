from typing import Any

import pytest
import torch
from torch import nn
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

from audio_svc.speech.hifigan_packing import cut_into_passes, gap_of, lay_out, shares_passes

CPU = torch.device("cpu")


def test_passes_are_shared_where_that_is_faster() -> None:
    assert not shares_passes(CPU)
    assert shares_passes(torch.device("cuda:0"))


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], []),
        ([50], [[50]]),
        ([4, 6, 1], [[4, 6], [1]]),
        ([11, 2, 3, 12, 1], [[11], [2, 3], [12], [1]]),
    ],
)
def test_passes_are_bounded_and_keep_the_order(
    lengths: list[int], expected: list[list[int]]
) -> None:
    assert [lengths[some] for some in cut_into_passes(lengths, 10)] == expected


def test_what_is_joined_is_split_again_and_silent_between() -> None:
    packing = lay_out([2, 1, 3], 4, CPU)
    several = [torch.full((length, 5), float(length)) for length in packing.lengths]
    rows = packing.join(several)
    assert len(rows) == 2 + 4 + 1 + 4 + 3
    for part, one in zip(packing.split(rows), several, strict=True):
        assert torch.equal(part, one)
    noisy = torch.where(rows == 0, torch.nan, rows)
    assert torch.equal(packing.silence(noisy), rows)


def test_one_alone_is_left_as_it_is() -> None:
    packing, rows = lay_out([3], 4, CPU), torch.ones(3, 5)
    assert packing.join([rows]) is rows
    assert torch.equal(packing.silence(rows), torch.ones(3, 5))


@pytest.mark.parametrize("kernel", [4, 5, 7, 8])
def test_layout_follows_an_upsampling(kernel: int) -> None:
    layer = nn.ConvTranspose1d(1, 1, kernel, stride=4, padding=(kernel - 4) // 2)
    packing = lay_out([2, 1, 3], 6, CPU)
    rows = packing.join([torch.zeros(length, 1) for length in packing.lengths])
    after = packing.upsampled(layer)
    assert sum(after.lengths) + 2 * after.gap == layer(rows.T[None]).shape[2]
    assert list(after.lengths) == [layer(torch.zeros(1, 1, n)).shape[2] for n in (2, 1, 3)]


def test_gap_is_wider_than_what_a_layer_sees() -> None:
    vocoder: Any = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(upsample_initial_channel=32, resblock_kernel_sizes=[3, 7, 11])
    )
    assert gap_of(vocoder) == 14  # 11 rows 5 apart, of which 4 are a frame.
