"""The port to what finds devices."""

from typing import Protocol

from gpu_svc.hardware import Findings


class GpuProbe(Protocol):
    """Finds devices of one kind.

    devices blocks (a driver may take seconds to start) and belongs in a thread; calls may overlap.
    A machine without such devices is no error: the findings are empty and their note says why.
    Nothing is raised for what a driver fails to tell: the field is None.
    """

    def devices(self) -> Findings:
        """What is there now, measured at this moment."""
        ...

    def close(self) -> None:
        """Let the driver go; devices may be called again afterwards."""
        ...
