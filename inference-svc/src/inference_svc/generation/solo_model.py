"""A causal model of transformers whose texts take turns: for families that can't be packed."""

from collections.abc import Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from inference_svc.generation.causal import Row
from inference_svc.torch_errors import device_errors


class SoloModel:
    """A ``CausalModel`` of one row per step; caches are the library's own.

    For what keeps a state instead of keys (Mamba's kin), and for what adds its own term to the
    scores (ALiBi).
    """

    max_rows = 1

    def __init__(self, model: Any, device: str) -> None:
        self._model: Any = model
        self._device = device
        self._picks = "logits_to_keep" in signature(model.forward).parameters
        self.bytes_per_token = 0

    def open(self, capacity: int) -> Any:
        del capacity
        return DynamicCache(config=self._model.config)

    def step(self, rows: Sequence[Row]) -> Tensor:
        (row,) = rows
        extra = {"logits_to_keep": 1} if self._picks else {}
        with torch.inference_mode(), device_errors():
            logits: Tensor = self._model(
                input_ids=torch.tensor([row.ids], device=self._device),
                past_key_values=row.cache,
                use_cache=True,
                **extra,
            ).logits[:, -1]
        return logits.float() if row.ends else logits[:0].float()

    def close(self) -> None:
        self._model = None
