"""HiFi-GAN, on a CPU each layer in tiles of few sizes, the channels of a moment side by side.

For each new length of its input oneDNN compiles a kernel per layer and keeps it. Utterances all
differ in length, so that it compiled at every one, and memory grew without end in sight: by
85 MiB over 300 lengths of a small vocoder, and by 1 over 100 times the same length. With the
channels side by side a convolution needs two thirds of the time (measured at the published sizes).

Source: Kong et al. 2020, HiFi-GAN; the modules are transformers', the tests compare with them.
"""

from collections.abc import Generator, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.functional import conv2d, leaky_relu, pad

from audio_svc.speech.hifigan_packing import Packing, cut_into_passes, gap_of, lay_out
from fleetserve.replica.stepwise import run_to_end

TILE_FRAMES = (64, 32, 16, 8)
Tile = tuple[int, int]


def put_channels_innermost(generator: Any) -> None:
    """Reorders the weights in memory as generate() wants them; they mean the same."""
    for part in generator.modules():
        if isinstance(part, nn.Conv1d):
            part.weight.data = part.weight.data.transpose(1, 2).contiguous().transpose(1, 2)


def vocode(vocoder: Any, spectrogram: torch.Tensor) -> torch.Tensor:
    """What SpeechT5HifiGan makes of float32 [frames, mel bins]: float32 [samples]."""
    if vocoder.config.normalize_before:
        spectrogram = (spectrogram - vocoder.mean) / vocoder.scale
    return run_to_end(_generate_packed(vocoder, [spectrogram], [None]))[0]


def generate(
    generator: Any, rows: torch.Tensor, voice: torch.Tensor | None = None
) -> Generator[None, None, torch.Tensor]:
    """Yields after each upsampling; returns float32 [samples].

    Args:
        generator: SpeechT5HifiGan or VitsHifiGan, in eval mode, whose layers pad with zeros.
        rows: float32 [frames, channels].
        voice: float32 [1, channels, 1], what generator.cond takes.
    """
    made = yield from _generate_packed(generator, [rows], [voice])
    return made[0]


def generate_together(
    generator: Any, several: Sequence[torch.Tensor], voices: Sequence[torch.Tensor | None]
) -> list[torch.Tensor]:
    """What generate() makes of each with its voice but for rounding, in as few passes as fit."""
    made: list[torch.Tensor] = []
    for some in cut_into_passes([len(rows) for rows in several]):
        made += run_to_end(_generate_packed(generator, several[some], voices[some]))
    return made


def _generate_packed(
    generator: Any, several: Sequence[torch.Tensor], voices: Sequence[torch.Tensor | None]
) -> Generator[None, None, list[torch.Tensor]]:
    slope, kernels, rate = generator.config.leaky_relu_slope, generator.num_kernels, 1
    packing = lay_out([len(one) for one in several], gap_of(generator), several[0].device)
    with torch.inference_mode():
        rows = packing.join(several)
        rows = _convolve(generator.conv_pre, rows, _tiles_of(rows, rate), packing)
        for part, voice in zip(packing.split(rows), voices, strict=True):
            if voice is not None:
                part += generator.cond(voice)[0].T
    for place, upsample in enumerate(generator.upsampler):
        with torch.inference_mode():
            rate *= upsample.stride[0]
            packing = packing.upsampled(upsample)
            rows = upsample(leaky_relu(rows, slope).T.unsqueeze(0))[0].T.contiguous()
            rows, tiles = packing.silence(rows), _tiles_of(rows, rate)
            blocks = generator.resblocks[place * kernels : (place + 1) * kernels]
            total = _pass_block(blocks[0], rows, tiles, packing)
            for block in blocks[1:]:
                total += _pass_block(block, rows, tiles, packing)
            rows = total.div_(kernels)
        yield
    with torch.inference_mode():
        rows = _convolve(generator.conv_post, leaky_relu(rows), _tiles_of(rows, rate), packing)
        return packing.split(torch.tanh(rows[:, 0]))


def plan_tiles(length: int, rate: int) -> list[Tile]:
    """Begin and end of each: large ones first, the last one over a part of the one before it.

    They are a number of TILE_FRAMES long, ``rate`` to a frame; what is shorter is one tile.
    """
    tiles: list[Tile] = []
    start = 0
    for frames in TILE_FRAMES:
        size = frames * rate
        while length - start >= size:
            tiles.append((start, start + size))
            start += size
    if start < length:
        tiles.append((max(0, length - TILE_FRAMES[-1] * rate), length))
    return tiles


def _tiles_of(rows: torch.Tensor, rate: int) -> list[Tile]:
    """Only a CPU's kernels are compiled for a length."""
    return plan_tiles(len(rows), rate) if rows.device.type == "cpu" else [(0, len(rows))]


def _pass_block(
    block: Any, rows: torch.Tensor, tiles: Sequence[Tile], packing: Packing
) -> torch.Tensor:
    slope = block.leaky_relu_slope
    for first, second in zip(block.convs1, block.convs2, strict=True):
        heard = _convolve(first, rows, tiles, packing, slope)
        rows = _convolve(second, heard, tiles, packing, slope, plus=rows)
    return rows


def _convolve(
    layer: Any,
    rows: torch.Tensor,
    tiles: Sequence[Tile],
    packing: Packing,
    slope: float = 1.0,
    plus: torch.Tensor | None = None,
) -> torch.Tensor:
    """[n, channels] → [n, channels out], of leaky_relu(rows); with plus added."""
    made = rows.new_empty(len(rows), layer.out_channels)
    reach, dilation = layer.padding[0], layer.dilation[0]
    weight = layer.weight.unsqueeze(2)
    for start, end in tiles:
        before, after = max(0, reach - start), max(0, end + reach - len(rows))
        window = rows[start - reach + before : end + reach - after]
        if slope != 1.0:
            window = leaky_relu(window, slope)
        if before or after:
            window = pad(window, (0, 0, before, after))
        image = conv2d(window.T[None, :, None], weight, layer.bias, dilation=(1, dilation))
        piece = image[0, :, 0].T
        if plus is None:
            made[start:end] = piece
        else:
            torch.add(piece, plus[start:end], out=made[start:end])
    return packing.silence(made)
