"""An engine without a model, for tests and for measuring what serving itself costs."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.base import EngineInfo, InputKind, Prepared, Results, Steps, finish


class MemoryEngine:
    """Gives back the length of a text; knows what it was asked.

    Args:
        on_batch: Called in the compute thread with each batch's texts, before its results.
        poison: Texts that fail whatever batch they are in.
        stepwise: Rests once per letter of a batch's longest text.

    Attributes:
        unfinished: Batches that were given up between two steps.
    """

    def __init__(
        self,
        *,
        on_batch: Callable[[list[str]], None] = lambda _: None,
        poison: frozenset[str] = frozenset(),
        bytes_: int = 1024,
        stepwise: bool = False,
    ) -> None:
        self.info = EngineInfo(InputKind.TEXT, rank=0, device="cpu", dtype="none")
        self._on_batch = on_batch
        self._poison = poison
        self._bytes = bytes_
        self._stepwise = stepwise
        self._loaded = False
        self.batches: list[list[str]] = []
        self.threads: set[str] = set()
        self.unfinished = 0

    def load(self) -> int:
        self._loaded = True
        return self._bytes

    def warm_up(self) -> None:
        finish(self.predict_batch([Prepared("warm", 4)]))
        self.batches.clear()

    def read_parameters(self, parameters: Mapping[str, object]) -> Any:
        for name in parameters:
            raise InvalidFieldError(f"parameters.{name}", "is not known; this model takes none")
        return None

    def prepare(self, value: Any, options: Any) -> Prepared:
        del options
        if not value:
            raise InvalidFieldError("inputs", "is empty")
        return Prepared(value, len(value))

    def predict_batch(self, batch: Sequence[Prepared]) -> Results | Steps:
        return self._in_steps(batch) if self._stepwise else self._at_once(batch)

    def _in_steps(self, batch: Sequence[Prepared]) -> Steps:
        try:
            for _ in range(max(prepared.length for prepared in batch)):
                yield
        except GeneratorExit:
            self.unfinished += 1
            raise
        return self._at_once(batch)

    def _at_once(self, batch: Sequence[Prepared]) -> Results:
        if not self._loaded:
            raise RuntimeError("this engine is not loaded")
        texts = [prepared.payload for prepared in batch]
        self.batches.append(texts)
        self.threads.add(threading.current_thread().name)
        self._on_batch(texts)
        bad = self._poison.intersection(texts)
        if bad:
            raise ValueError(f"poisoned by {sorted(bad)}")
        return [len(text) for text in texts]

    def unload(self) -> None:
        self._loaded = False
