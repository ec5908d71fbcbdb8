"""The network of ``tiny_stt``: log-mel frames in, letters out, by convolutions and CTC.

Source: Graves et al. 2006 for CTC; the rest is residual convolutions at 50 ms a frame, of which
each tells two letters, since fast speech has more than twenty a second.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from audio_svc.conv_block import ConvBlock

BLANK = "_"
LETTERS = BLANK + " abcdefghijklmnopqrstuvwxyz'"
FRAMES_PER_STEP = 4
LETTERS_PER_STEP = 2


@dataclass(frozen=True, slots=True)
class EarShape:
    bands: int = 80
    width: int = 256
    blocks: int = 9
    kernel: int = 5


class Ear(nn.Module):
    def __init__(self, shape: EarShape) -> None:
        super().__init__()
        width = shape.width
        self.narrow = nn.Conv1d(shape.bands, width, 8, stride=FRAMES_PER_STEP, padding=2)
        self.blocks = nn.ModuleList(
            ConvBlock(width, shape.kernel, 0.0) for _ in range(shape.blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.letters = nn.Linear(width, LETTERS_PER_STEP * len(LETTERS))

    def forward(self, frames: Tensor) -> Tensor:
        """Logits [batch, letter steps, letters] of normalised frames [batch, frames, bands]."""
        return self.hear(frames)[1]

    def hear(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """What is known half way [batch, steps, width], and the logits."""
        whole = functional.pad(frames.transpose(1, 2), (0, -frames.shape[1] % FRAMES_PER_STEP))
        x = half_way = self.narrow(whole).transpose(1, 2)
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place == len(self.blocks) // 2:
                half_way = x
        logits: Tensor = self.letters(self.norm(x))
        return half_way, logits.reshape(len(logits), -1, len(LETTERS))


def normalise(frames: Tensor) -> Tensor:
    """Each band by its own mean, all by one spread: neither loudness nor the channel matters."""
    centred = frames - frames.mean(0)
    return centred / (centred.std() + 1e-3)


def letter_steps(frames: int) -> int:
    """How many of ``forward``'s steps a recording of so many frames has."""
    return LETTERS_PER_STEP * -(-frames // FRAMES_PER_STEP)
