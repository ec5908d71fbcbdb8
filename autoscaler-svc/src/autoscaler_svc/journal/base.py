"""The port to the decisions that were made."""

from enum import StrEnum
from typing import Protocol

import msgspec

KEPT = 1000


class EntryKind(StrEnum):
    SCALE_UP = "scale_up"
    SCALE_DOWN = "scale_down"
    REPLACE = "replace"
    ADOPT = "adopt"
    LOAD_MODEL = "load_model"
    UNLOAD_MODEL = "unload_model"
    CONFIG = "config"
    FAILED = "failed"


class Entry(msgspec.Struct, frozen=True):
    """A decision, with all that it was made from.

    Attributes:
        at_s: Seconds since the epoch.
        subject: The service, or the model that this is about.
        previous, target: Replicas of the service, or instances of the model.
        cause: A stable word for why; ``reason`` is the sentence for people.
        origin: "load" for the policy, "manual" for somebody's call, "repair" for what makes the
            world match again.
        limited_by: The setting that kept it from being more.
        inputs: The figures that it was made from.
    """

    id: str
    at_s: float
    kind: EntryKind
    service: str
    subject: str
    previous: int
    target: int
    cause: str
    reason: str
    origin: str
    limited_by: str | None = None
    scaling_id: str | None = None
    inputs: dict[str, float | str | None] = {}


class Journal(Protocol):
    """Keeps the last KEPT entries; for the event loop.

    Both raise UnavailableError where it can't be reached; nothing was written then.
    """

    async def write(self, entry: Entry) -> None: ...

    async def read(self, limit: int) -> list[Entry]:
        """The newest first."""
        ...
