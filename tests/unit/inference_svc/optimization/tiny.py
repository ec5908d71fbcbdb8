"""A small engine that can be tuned: vectors through two linear layers."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from inference_svc.engine.base import EngineInfo, InputKind, Prepared

WIDTH = 16


def tiny_module(seed: int = 7) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(WIDTH, 32), nn.Tanh(), nn.Linear(32, WIDTH)).eval()


class TinyEngine:
    """One text gives one vector, made of its characters.

    Args:
        on_batch: Called in the compute thread with the size of each batch.
    """

    def __init__(self, on_batch: Callable[[int], None] = lambda _: None) -> None:
        self.info = EngineInfo(InputKind.TEXT, rank=0, device="cpu", dtype="float32")
        self.module: Any = None
        self.unloaded = False
        self._on_batch = on_batch

    def load(self) -> int:
        self.module = tiny_module()
        return 4096

    def warm_up(self) -> None:
        self.predict_batch([self.prepare("warm", None)])

    def read_parameters(self, parameters: Mapping[str, object]) -> Any:
        return None

    def prepare(self, value: Any, options: Any) -> Prepared:
        row = torch.zeros(WIDTH)
        for place, character in enumerate(value):
            row[place % WIDTH] += (ord(character) % 31) / 31
        return Prepared(row, max(1, len(value)))

    def predict_batch(self, batch: Sequence[Prepared]) -> Sequence[object]:
        self._on_batch(len(batch))
        with torch.inference_mode():
            rows = torch.stack([one.payload for one in batch])
            return list(self.module(rows).float().numpy())

    def with_module(self, module: Any, dtype: str) -> "TinyEngine":
        other = copy.copy(self)
        other.info = replace(self.info, dtype=dtype)
        other.module = module
        return other

    def samples(self, texts: Sequence[str]) -> Sequence[Prepared]:
        return [self.prepare(text, None) for text in texts]

    def unload(self) -> None:
        self.unloaded = True
        self.module = None
