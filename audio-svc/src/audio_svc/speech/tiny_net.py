"""The networks of ``tiny_tts``: letters to phonemes, and phonemes to frames of sound.

Source: Ren et al. 2019, FastSpeech, for speaking without recurrence by predicted durations.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audio_svc.conv_block import ConvBlock

BANDS = 80
CENTRE_PITCH = 4.8  # Natural logarithm of 120 Hz: what the network tells is the way from it.
MARKS = 6  # Unstressed, second and first stress; each at a word's beginning or within it.
LETTERS = "_abcdefghijklmnopqrstuvwxyz'"
SOUNDS_PER_LETTER = 2


@dataclass(frozen=True, slots=True)
class VoiceShape:
    phonemes: int
    speakers: int
    width: int = 192
    encoder_blocks: int = 4
    decoder_blocks: int = 5
    kernel: int = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is to be sounded.

    Attributes:
        bands: Log-mel [frames, BANDS].
        pitch: Natural logarithm of the pitch in Hz [frames].
        voicing: Logit of being voiced [frames].
    """

    bands: Tensor
    pitch: Tensor
    voicing: Tensor


class Voice(nn.Module):
    """Speaks phonemes; ``lengths`` are told by ``forward`` in frames, as logarithms."""

    def __init__(self, shape: VoiceShape) -> None:
        super().__init__()
        width, kernel = shape.width, shape.kernel
        self.phoneme = nn.Embedding(shape.phonemes, width)
        self.mark = nn.Embedding(MARKS, width)
        self.speaker = nn.Embedding(shape.speakers, width)
        self.encoder = nn.Sequential(
            *(ConvBlock(width, kernel) for _ in range(shape.encoder_blocks))
        )
        self.timing = nn.Sequential(ConvBlock(width, 3), ConvBlock(width, 3), nn.LayerNorm(width))
        self.length = nn.Linear(width, 1)
        self.place = nn.Linear(3, width)
        self.decoder = nn.Sequential(
            *(ConvBlock(width, kernel, 0.0) for _ in range(shape.decoder_blocks)),
            nn.LayerNorm(width),
        )
        self.out = nn.Linear(width, BANDS + 2)

    def read(self, phonemes: Tensor, marks: Tensor, speaker: Tensor) -> tuple[Tensor, Tensor]:
        """Encoded phonemes [batch, n, width] and logarithms of their frames [batch, n].

        speaker: [batch, width], rows of ``self.speaker`` or a mixture of them.
        """
        x = self.phoneme(phonemes) + self.mark(marks) + speaker[:, None]
        x = self.encoder(x)
        return x, self.length(self.timing(x)).squeeze(-1)

    def draw(self, encoded: Tensor, lengths: Tensor) -> Tensor:
        """[frames, BANDS + 2] of one utterance: its phonemes [n, width], frames of each [n]."""
        return self.decode(self.spread(encoded, lengths)[None])[0]

    def spread(self, encoded: Tensor, lengths: Tensor) -> Tensor:
        """Each phoneme as often as it is long, told where in it each frame is."""
        ends = lengths.cumsum(0)
        within = torch.arange(int(ends[-1])) - (ends - lengths).repeat_interleave(lengths)
        whole = lengths.repeat_interleave(lengths)
        place = torch.stack(
            [(within + 0.5) / whole, (within + 1.0).log(), (whole - within + 0.0).log()], -1
        )
        spread: Tensor = encoded.repeat_interleave(lengths, 0) + self.place(place)
        return spread

    def decode(self, spread: Tensor) -> Tensor:
        drawn: Tensor = self.out(self.decoder(spread))
        return drawn


def split(drawn: Tensor) -> Drawn:
    """What the numbers of ``Voice.draw`` are."""
    return Drawn(drawn[..., :BANDS], drawn[..., BANDS] + CENTRE_PITCH, drawn[..., BANDS + 1])


class Speller(nn.Module):
    """Letters to sounds by CTC: for words that the table of pronunciations lacks."""

    def __init__(self, sounds: int, width: int = 128) -> None:
        super().__init__()
        self.letter = nn.Embedding(len(LETTERS), width)
        self.place = nn.Parameter(torch.zeros(SOUNDS_PER_LETTER, width))
        self.blocks = nn.Sequential(*(ConvBlock(width, 7) for _ in range(4)), nn.LayerNorm(width))
        self.sound = nn.Linear(width, sounds)

    def forward(self, letters: Tensor) -> Tensor:
        """Logits [batch, letters × SOUNDS_PER_LETTER, sounds]; 0 is CTC's blank."""
        x = self.letter(letters)[:, :, None] + self.place
        logits: Tensor = self.sound(self.blocks(x.flatten(1, 2)))
        return logits
