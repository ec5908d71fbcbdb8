"""A technique that changes numbers as it is told to, for tests."""

from collections.abc import Callable
from typing import Any

from inference_svc.optimization.hardware import Hardware
from inference_svc.optimization.technique.base import Improved, Workshop


class MemoryTechnique:
    """Wraps the module.

    Args:
        around: Makes the new module of the old one.
        why_not: Why it is unavailable, if it is.
        fails: Raised by apply().
    """

    def __init__(
        self,
        name: str = "memory",
        *,
        around: Callable[[Any], Any] = lambda module: lambda *a, **k: module(*a, **k),
        why_not: str | None = None,
        fails: Exception | None = None,
    ) -> None:
        self.name = name
        self._around = around
        self._why_not = why_not
        self._fails = fails
        self.applied: list[Workshop] = []

    def unavailable(self, hardware: Hardware) -> str | None:
        del hardware
        return self._why_not

    def apply(self, module: Any, workshop: Workshop) -> Improved:
        self.applied.append(workshop)
        if self._fails is not None:
            raise self._fails
        return Improved(self._around(module), "memory")
