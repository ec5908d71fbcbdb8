"""SpeechT5's decoder prenet with one random generator per utterance.

The library's loop draws its prenet dropout from the process's generator, so that another
thread's random numbers change a seeded result; and it runs the prenet over the whole sequence
at each step although only the last row is used. Here a seeded utterance draws exactly the
numbers that the library would draw after ``torch.manual_seed(seed)``, from its own generator,
and the prenet runs over the last rows only. Both are checked against the library by the tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch

STOP_THRESHOLD = 0.5
MAX_FRAMES_PER_TOKEN = 20.0

# BLAS adds up the products of a row alone in another order than those of a row among others,
# and the last bits differ. Eight rows go the way of many: measured equal in every bit for 1 to
# 600 rows on MKL; find_tail_rows() measures it again on the machine at hand.
TAIL_ROWS = 8
PROBED_LENGTHS = (9, 17, 64, 150, 333, 600)


@dataclass(frozen=True, slots=True)
class Tail:
    """The last rows of one utterance with all that the prenet needs for them, [rows, …] each."""

    frames: torch.Tensor
    masks: tuple[torch.Tensor, ...]
    places: torch.Tensor
    speaker: torch.Tensor


class PrenetTail:
    """The decoder's prenet for the last position of a growing sequence.

    Args:
        prenet: SpeechT5SpeechDecoderPrenet.
        speaker: float32 [1, 512].
        rows: How many rows at the end are computed; None: all, as the library does.
        seed: Draw what the library draws after torch.manual_seed(seed); None: draw freely.
    """

    def __init__(
        self, prenet: Any, speaker: torch.Tensor, rows: int | None, seed: int | None
    ) -> None:
        self._prenet = prenet
        self._speaker = torch.nn.functional.normalize(speaker)
        self._rows = rows
        self._seeded = seed is not None
        self._generator = torch.Generator(device=speaker.device)
        if seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed(seed)

    def last_row(self, sequence: torch.Tensor) -> torch.Tensor:
        """float32 [1, length, mel bins] → [1, 1, hidden size]."""
        return last_rows(self._prenet, [self.draw(sequence)])

    def draw(self, sequence: torch.Tensor) -> Tail:
        """What last_rows() takes for it; the generator moves on, so once for each step."""
        length = sequence.shape[1]
        first = max(0, length - self._rows) if self._rows else 0
        prenet = self._prenet
        return Tail(
            frames=sequence[0, first:],
            masks=tuple(self._draw_mask(length, first, layer) for layer in prenet.layers),
            places=prenet.encode_positions.pe[0, first:length],
            speaker=self._speaker.expand(length - first, -1),
        )

    def _draw_mask(self, length: int, first: int, layer: Any) -> torch.Tensor:
        """The library draws one mask for all rows at each step; only a seed needs them all."""
        rows = length if self._seeded else length - first
        mask = self._speaker.new_empty(rows, layer.out_features)
        mask.bernoulli_(
            self._prenet.config.speech_decoder_prenet_dropout, generator=self._generator
        )
        return mask[rows - (length - first) :]


def last_rows(prenet: Any, tails: Sequence[Tail]) -> torch.Tensor:
    """The prenet for the last position of each: float32 [utterances, 1, hidden size]."""
    rate, places = prenet.config.speech_decoder_prenet_dropout, prenet.encode_positions
    hidden = torch.cat([tail.frames for tail in tails])
    for number, layer in enumerate(prenet.layers):
        hidden = torch.nn.functional.relu(layer(hidden))
        mask = torch.cat([tail.masks[number] for tail in tails])
        hidden = torch.where(mask == 1, hidden, 0) * 1 / (1 - rate)
    hidden = prenet.final_layer(hidden)
    hidden = hidden + places.alpha * torch.cat([tail.places for tail in tails])
    speakers = torch.cat([tail.speaker for tail in tails])
    hidden = prenet.speaker_embeds_layer(torch.cat([hidden, speakers], dim=-1))
    ends = [end - 1 for end in accumulate(len(tail.frames) for tail in tails)]
    return torch.nn.functional.relu(hidden)[ends].unsqueeze(1)


def find_tail_rows(prenet: Any, mel_bins: int) -> int | None:
    """TAIL_ROWS where the prenet's last rows come out the same with and without the others."""
    device = prenet.final_layer.weight.device
    sequence = torch.randn(
        (1, max(PROBED_LENGTHS), mel_bins), generator=torch.Generator().manual_seed(0)
    ).to(device)
    speaker = torch.ones((1, prenet.config.speaker_embedding_dim), device=device)
    longest = prenet.config.max_speech_positions
    for length in [probed for probed in PROBED_LENGTHS if probed <= longest]:
        tail = PrenetTail(prenet, speaker, TAIL_ROWS, seed=0).last_row(sequence[:, :length])
        whole = PrenetTail(prenet, speaker, None, seed=0).last_row(sequence[:, :length])
        if not torch.equal(tail, whole):
            return None
    return TAIL_ROWS


def max_steps(tokens: int, config: Any) -> int:
    """The library's bound, and the position table's, where the library would raise."""
    by_text = int(tokens * MAX_FRAMES_PER_TOKEN / config.reduction_factor)
    by_table: int = config.max_speech_positions
    return max(1, min(by_text, by_table))
