"""Tokens drawn at random, the same for the same seed whatever else is computed."""

import secrets
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor


class GumbelNoise(LogitsProcessor):
    """Turns the greedy choice into a draw from the distribution of the scores.

    The library draws from torch's global generator, which other threads and the other rows of a
    batch use too. Here each row has a generator of its own.

    Args:
        seeds: One per row; None: any.

    Source: Gumbel 1954; Maddison, Tarlow, Minka 2014, A* Sampling.
    """

    def __init__(self, seeds: Sequence[int | None]) -> None:
        self._generators = [
            torch.Generator().manual_seed(secrets.randbits(63) if seed is None else seed)
            for seed in seeds
        ]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        del input_ids
        noise = torch.stack([self._draw(scores.shape[-1], one) for one in self._generators])
        return scores + noise.to(scores.device, scores.dtype)

    def _draw(self, size: int, generator: torch.Generator) -> Tensor:
        waits = torch.empty(size, dtype=torch.float64).exponential_(generator=generator)
        return -waits.log()
