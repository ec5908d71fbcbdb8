"""The port to what the machine has."""

from collections.abc import Sequence
from typing import Protocol

from autoscaler_svc.bounds import Room


class Machine(Protocol):
    """Looks at cores, memory and GPUs; for the event loop, cheap enough for each second.

    Never raises: what can't be found out is as ``Room`` says.
    """

    async def look(self, gpu_services: Sequence[str] | None = None) -> Room:
        """The room that there is now.

        Args:
            gpu_services: Addresses of gpu-svc; None where replicas compute on the CPU, whatever
                GPUs there are.
        """
        ...

    async def close(self) -> None: ...
