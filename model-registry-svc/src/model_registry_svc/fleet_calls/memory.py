"""A fleet that obeys at once, for tests."""

from collections.abc import Mapping

from fleetserve.announcements import Announcement
from fleetserve.errors import FleetError

FREED_BYTES = 1_000_000


class MemoryFleetCalls:
    """Remembers what was asked of it.

    Attributes:
        made: What was asked, oldest first: the verb, of whom, of what.
        failures: Raised by replica id, by the model's name, or by name@revision.
        held: Names of models that requests hold; they are not gone when they are unloaded.
        slow: How many times staging is asked for before it is done.
    """

    def __init__(self, failures: Mapping[str, FleetError] | None = None) -> None:
        self.made: list[tuple[str, str, str]] = []
        self.failures: dict[str, FleetError] = dict(failures or {})
        self.held: set[str] = set()
        self.slow = 0

    def load(self, replica: Announcement, name: str, revision: str, *, wait: bool) -> bool:
        self._note("load", replica, f"{name}@{revision}")
        return wait

    def stage(self, replica: Announcement, name: str, revision: str) -> bool:
        self._note("stage", replica, f"{name}@{revision}")
        self.slow -= 1
        return self.slow < 0

    def unload(self, replica: Announcement, name: str, revision: str) -> int | None:
        self._note("unload", replica, f"{name}@{revision}")
        return None if name in self.held else FREED_BYTES

    def leaving(self, replica: Announcement, name: str, revision: str) -> int | None:
        self._note("leaving", replica, f"{name}@{revision}")
        return None if name in self.held else FREED_BYTES

    def read_pins(self, replica: Announcement) -> None:
        self._note("read_pins", replica, "")

    def forget(self, autoscaler: Announcement, name: str) -> None:
        self._note("forget", autoscaler, name)

    def _note(self, verb: str, called: Announcement, what: str) -> None:
        self.made.append((verb, called.replica_id, what))
        for key in (called.replica_id, what, what.partition("@")[0]):
            if key in self.failures:
                raise self.failures[key]
