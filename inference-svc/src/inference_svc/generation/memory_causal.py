"""A causal model without weights, for tests and for measuring what serving itself costs."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from inference_svc.generation.causal import Row


class MemoryCausal:
    """A ``CausalModel`` whose next token follows from all that a text has read.

    Args:
        on_step: Called in the compute thread with each row's tokens, before anything is read.
    """

    def __init__(
        self,
        *,
        vocabulary: int = 128,
        max_rows: int = 8,
        on_step: Callable[[list[list[int]]], None] = lambda _: None,
    ) -> None:
        self.max_rows = max_rows
        self.bytes_per_token = 16
        self._vocabulary = vocabulary
        self._on_step = on_step

    def open(self, capacity: int) -> list[int]:
        del capacity
        return []

    def step(self, rows: Sequence[Row]) -> Tensor:
        self._on_step([list(row.ids) for row in rows])
        ended = []
        for row in rows:
            row.cache.extend(row.ids)
            if row.ends:
                ended.append(self.follower(row.cache))
        logits = torch.zeros(len(ended), self._vocabulary)
        for place, token in enumerate(ended):
            logits[place, token] = 10.0
        return logits

    def follower(self, ids: Sequence[int]) -> int:
        """What comes after these; never 0."""
        return 1 + (7 * sum(ids) + len(ids)) % (self._vocabulary - 1)

    def close(self) -> None:
        pass
