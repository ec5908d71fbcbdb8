"""The port to what measures devices."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Measurement:
    """How fast one device copies its own memory, the bound of most inference at batch 1.

    Attributes:
        device: "cpu" or the GPU's UUID.
        copy_gb_per_s: 10^9 bytes read plus written per second; None where it failed.
        seconds: How long the measuring took.
        detail: How it was measured, or why it was not.
    """

    device: str
    copy_gb_per_s: float | None
    seconds: float
    detail: str


class DeviceBenchmark(Protocol):
    """Measures the devices of one kind.

    measure blocks for about 0.2 s per device and takes up to 600 MB on it; one call at a time.
    Nothing is raised: what can't be measured has no value and says why.
    """

    def measure(self) -> list[Measurement]: ...
