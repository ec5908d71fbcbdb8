"""The port to what people asked for: floors and changed settings."""

from typing import Protocol

import msgspec

SERVICE_PREFIX = "service:"


class Floor(msgspec.Struct, frozen=True):
    """So many of a target shall there be at least, until somebody asks for another number.

    Attributes:
        target: A model's name, or SERVICE_PREFIX and a service for its replicas.
        instances: 0 means none, until a request comes.
        at_s: Seconds since the epoch.
        force: Past the bounds of the configuration and of the machine.
    """

    target: str
    service: str
    instances: int
    at_s: float
    scaling_id: str
    reason: str = ""
    force: bool = False


class Intents(Protocol):
    """Kept over restarts, seen by every autoscaler; for the event loop.

    Every method raises UnavailableError where they can't be reached; nothing was changed then.
    """

    async def floors(self) -> dict[str, Floor]:
        """By target."""
        ...

    async def put_floor(self, floor: Floor) -> None:
        """In place of the target's floor before."""
        ...

    async def drop_floor(self, target: str, scaling_id: str) -> None:
        """Forgets it, unless another one has taken its place; it need not be there."""
        ...

    async def overrides(self) -> dict[str, object]:
        """Values of the configuration that hold instead of the file's, by key."""
        ...

    async def put_overrides(self, values: dict[str, object | None]) -> None:
        """Sets these keys; None makes the file's value hold again."""
        ...

    async def clear_floors(self) -> None: ...
