"""What an engine calls its module with, found out without computing anything."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from inference_svc.engine.base import ModelEngine, Prepared, Tunable, finish
from inference_svc.optimization.technique.base import ModuleCall

_SIZES = (1, 2, 8)


class _CapturedError(Exception):
    pass


class _Recorder:
    """Stands in for the module, remembers the call and ends it there."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self.calls: list[ModuleCall] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(ModuleCall(args, kwargs))
        raise _CapturedError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def capture_calls(engine: Tunable, prepared: Sequence[Prepared]) -> list[ModuleCall]:
    """The calls for batches of one input and of several, short and long."""
    recorder = _Recorder(engine.module)
    recording: ModelEngine = engine.with_module(recorder, "")
    by_length = sorted(prepared, key=lambda one: one.length)
    for size in _SIZES:
        last = max(0, len(by_length) - size)
        for start in sorted({0, last // 2, last}):
            with suppress(_CapturedError):
                finish(recording.predict_batch(by_length[start : start + size]))
    return recorder.calls
