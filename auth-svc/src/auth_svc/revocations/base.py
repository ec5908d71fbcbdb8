from collections.abc import Iterable
from typing import Protocol

from fleetserve.auth.revocations import Revocation


class RevocationStore(Protocol):
    """The list's truth. Blocking; safe from any thread; adding again changes nothing."""

    def add(self, revocations: Iterable[Revocation]) -> None: ...

    def live(self, now_s: float) -> list[Revocation]:
        """Those that may not be forgotten yet."""
        ...

    def prune(self, now_s: float) -> int:
        """Drops the others; how many."""
        ...
