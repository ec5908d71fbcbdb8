"""One optimisation of one model as it goes on, and what is told of it."""

from dataclasses import dataclass, field
from enum import StrEnum

from fleetserve.tunings import Measurement, Tuning
from inference_svc.optimization.tolerance import Tolerance


class RunState(StrEnum):
    WAITING = "waiting"
    MEASURING = "measuring"
    SWITCHING = "switching"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        return self in (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for; ``candidates`` None: what is worth trying on the device."""

    candidates: tuple[str, ...] | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)


@dataclass(slots=True)
class Run:
    """Event loop only.

    Attributes:
        step: What it does now, in words.
        skipped: Why there is nothing to optimise, if there is not.
    """

    name: str
    revision: str
    wish: Wish
    state: RunState = RunState.WAITING
    step: str = "waits for its turn"
    measurements: list[Measurement] = field(default_factory=list)
    tuning: Tuning | None = None
    memory_freed_bytes: int = 0
    skipped: str = ""
    error: str = ""
    code: str = ""

    def cancelled(self) -> None:
        if not self.state.finished:
            self.state, self.error, self.code = RunState.CANCELLED, "It was stopped.", "cancelled"

    def view(self) -> dict[str, object]:
        """As it is answered."""
        tuning = self.tuning
        return {
            "success": self.state not in (RunState.FAILED, RunState.CANCELLED),
            "name": self.name,
            "revision": self.revision,
            "state": self.state.value,
            "step": self.step,
            "samples": tuning.samples if tuning else 0,
            "hardware": tuning.hardware if tuning else "",
            "speedup": tuning.speedup if tuning else None,
            "applied": tuning.applied if tuning else [],
            "measurements": self.measurements,
            "memory_freed_bytes": self.memory_freed_bytes,
            "skipped": self.skipped,
            "error": self.error,
            "code": self.code,
        }
