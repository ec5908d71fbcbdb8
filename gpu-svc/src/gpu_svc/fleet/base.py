"""The port to what the rest of the fleet knows."""

from typing import Protocol

from fleetserve.model_records import ModelRecord
from gpu_svc.torch_builds import TorchBuild


class FleetView(Protocol):
    """Asks the fleet; for the event loop, with nothing kept between calls.

    Both raise UnavailableError when the fleet can't be asked now.
    """

    async def torch_builds(self) -> list[TorchBuild]:
        """The torch of every replica that is there."""
        ...

    async def model(self, name: str) -> ModelRecord | None:
        """The model of that name ("_" and "-" are one), None where there is none."""
        ...
