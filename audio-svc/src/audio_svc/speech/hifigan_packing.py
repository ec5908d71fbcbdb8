"""Several utterances in one pass of a HiFi-GAN: one after the other, with silence between them.

The gaps are silenced after each layer, so that the ends of an utterance see the zeros that they
see alone, and nothing of its neighbours. None is padded to the length of another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import nn

# At the published sizes 32 KiB per frame for the widest of some five tensors that a pass holds
# at a time: 128 MiB each. An utterance that is longer has a pass of its own.
MAX_FRAMES = 4096


def shares_passes(device: torch.device) -> bool:
    """Whether utterances in company take less time than apart.

    Not on a CPU, where a pass is arithmetic: 8 utterances in one padded pass took 0.72 s each
    and one by one 0.57. Elsewhere it is many small kernels, which company makes no more of;
    that is by reasoning, there was no GPU to measure it on.
    """
    return device.type != "cpu"


def cut_into_passes(lengths: Sequence[int], most: int = MAX_FRAMES) -> Iterator[slice]:
    """In order; each is of at most so many frames, or of a single utterance."""
    start = total = 0
    for place, length in enumerate(lengths):
        if place > start and total + length > most:
            yield slice(start, place)
            start, total = place, 0
        total += length
    if start < len(lengths):
        yield slice(start, len(lengths))


@dataclass(frozen=True, slots=True)
class Packing:
    """Where utterances stand in the rows of a layer.

    Attributes:
        lengths: Rows of each.
        gap: Rows between two.
        silent: int64, the places of the rows between; None: there are none.
    """

    lengths: tuple[int, ...]
    gap: int
    silent: torch.Tensor | None

    def upsampled(self, layer: Any) -> "Packing":
        """After a ConvTranspose1d, which may add a row besides."""
        stride = layer.stride[0]
        added = layer.kernel_size[0] - 2 * layer.padding[0] - stride
        lengths = [length * stride + added for length in self.lengths]
        return lay_out(lengths, self.gap * stride - added, layer.weight.device)

    def join(self, several: Sequence[torch.Tensor]) -> torch.Tensor:
        """[n, channels] each → [rows, channels]."""
        if len(several) == 1:
            return several[0]
        silence = several[0].new_zeros(self.gap, several[0].shape[1])
        return torch.cat([part for one in several for part in (one, silence)][:-1])

    def split(self, rows: torch.Tensor) -> list[torch.Tensor]:
        """Views of each utterance's own."""
        starts = _starts(self.lengths, self.gap)
        return [
            rows[start : start + length] for start, length in zip(starts, self.lengths, strict=True)
        ]

    def silence(self, rows: torch.Tensor) -> torch.Tensor:
        """The same tensor. Whatever was there is overwritten: a factor of 0 would keep NaN."""
        return rows if self.silent is None else rows.index_fill_(0, self.silent, 0.0)


def lay_out(lengths: Sequence[int], gap: int, device: torch.device) -> Packing:
    """Of at least one utterance."""
    if len(lengths) == 1:
        return Packing(tuple(lengths), gap, None)
    ends = [start + length for start, length in zip(_starts(lengths, gap), lengths, strict=True)]
    silent = torch.cat([torch.arange(end, end + gap) for end in ends[:-1]])
    return Packing(tuple(lengths), gap, silent.to(device))


def gap_of(generator: Any) -> int:
    """Frames that no layer spans: the first sees frames, the others at least upsampled ones."""
    spans = [
        part.kernel_size[0] * part.dilation[0]
        for part in generator.modules()
        if isinstance(part, nn.Conv1d | nn.ConvTranspose1d)
    ]
    first: int = generator.conv_pre.kernel_size[0]
    return max(first, -(-max(spans) // int(generator.upsampler[0].stride[0])))


def _starts(lengths: Sequence[int], gap: int) -> list[int]:
    return list(accumulate((length + gap for length in lengths[:-1]), initial=0))
