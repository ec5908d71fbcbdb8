"""Devices that are given, for tests and for looking at the service as on another machine."""

from pathlib import Path

from gpu_svc.hardware import Device, Findings
from gpu_svc.readings import NvmlReading, gpus_of

RECORDINGS = Path(__file__).parent.parent / "recordings"


class MemoryProbe:
    """Finds what it was given."""

    def __init__(self, *devices: Device, note: str = "") -> None:
        self._findings = Findings(devices, note)

    @classmethod
    def from_recording(cls, path: Path) -> "MemoryProbe":
        """The GPUs of a recording of NVML's answers, read as live ones are.

        Raises:
            OSError: the file can't be read.
            pydantic.ValidationError: it is no recording.
        """
        reading = NvmlReading.model_validate_json(path.read_bytes())
        note = f"GPUs are played back from {path.name}: {reading.source}"
        return cls(*gpus_of(reading), note=note)

    def devices(self) -> Findings:
        return self._findings

    def close(self) -> None:
        """Nothing is held."""
