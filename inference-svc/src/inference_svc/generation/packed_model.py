"""A causal model of transformers whose texts share each step without padding."""

from collections.abc import Sequence
from inspect import signature
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

from inference_svc.generation.causal import Row
from inference_svc.generation.kv_cache import TextCache
from inference_svc.generation.packed_attention import NAME, Span, packed_attention
from inference_svc.torch_errors import device_errors

AttentionInterface.register(NAME, packed_attention)


class PackedModel:
    """A ``CausalModel``; caches are ``TextCache``.

    The model is switched to the packed attention; what it computes has to be compared with what it
    did before, since a family may ignore it (``checked_model.py``).
    """

    def __init__(self, model: Any, device: str, max_rows: int) -> None:
        self._model: Any = model
        self._device = device
        self._picks = "logits_to_keep" in signature(model.forward).parameters
        self.max_rows = max_rows
        self.bytes_per_token = 0
        model.set_attn_implementation(NAME)

    def open(self, capacity: int) -> TextCache:
        return TextCache(capacity)

    def step(self, rows: Sequence[Row]) -> Tensor:
        with torch.inference_mode(), device_errors():
            logits = self._forward(rows)
        if rows[0].cache.untouched:
            raise RuntimeError("the model has an attention of its own and ignores the packed one")
        for row in rows:
            row.cache.length += len(row.ids)
        return logits

    def _forward(self, rows: Sequence[Row]) -> Tensor:
        ends = list(accumulate(len(row.ids) for row in rows))
        spans = [
            Span(row.cache, end - len(row.ids), end) for row, end in zip(rows, ends, strict=True)
        ]
        ids = [one for row in rows for one in row.ids]
        positions = [
            position
            for row in rows
            for position in range(row.cache.length, row.cache.length + len(row.ids))
        ]
        last = [end - 1 for row, end in zip(rows, ends, strict=True) if row.ends]
        picked = torch.tensor(last, dtype=torch.int64, device=self._device)
        extra = {"logits_to_keep": picked} if self._picks else {}
        found: Tensor = self._model(
            input_ids=torch.tensor([ids], device=self._device),
            position_ids=torch.tensor([positions], device=self._device),
            use_cache=False,
            packed=spans,
            **extra,
        ).logits[0]
        return (found if self._picks else found[picked]).float()

    def close(self) -> None:
        self._model = None
