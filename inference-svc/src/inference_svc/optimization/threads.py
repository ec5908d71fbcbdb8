"""An engine whose forward passes take a number of threads of their own."""

from collections.abc import Sequence
from typing import Any

import torch

from inference_svc.engine.base import ModelEngine, Prepared, Results, finish


class ThreadedEngine:
    """The engine itself, but for the threads; the others on this device keep theirs."""

    def __init__(self, engine: ModelEngine, threads: int) -> None:
        self._engine = engine
        self._threads = threads

    def predict_batch(self, batch: Sequence[Prepared]) -> Results:
        before = torch.get_num_threads()
        if before == self._threads:
            return finish(self._engine.predict_batch(batch))
        torch.set_num_threads(self._threads)
        try:
            return finish(self._engine.predict_batch(batch))
        finally:
            torch.set_num_threads(before)

    def warm_up(self) -> None:
        self._engine.warm_up()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def with_threads(engine: ModelEngine, threads: int) -> ModelEngine:
    """``threads`` 0: as it is."""
    threaded: Any = ThreadedEngine(engine, threads)
    return threaded if threads else engine
