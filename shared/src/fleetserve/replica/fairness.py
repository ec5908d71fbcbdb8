"""Who may compute next: the one that has been served least."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class FairShare(Generic[K]):
    """Start-time fair queueing over keys; pure, for one thread.

    Each key has the virtual time at which its next unit would start. The least goes first.
    A key that had nothing to do for a while starts from the present: it neither pays for
    what it did long ago nor may it catch up on what it left out.

    Source: Goyal, Vin, Cheng 1996, start-time fair queueing.
    """

    def __init__(self) -> None:
        self._next: dict[K, float] = {}
        self._now = 0.0

    def enter(self, key: K) -> None:
        self._next.setdefault(key, self._now)

    def leave(self, key: K) -> None:
        self._next.pop(key, None)

    def order(self) -> list[K]:
        """Every key, the least served first; among equals in order of entry."""
        if len(self._next) < 2:
            return list(self._next)
        now = self._now
        return sorted(self._next, key=lambda key: max(self._next[key], now))

    def charge(self, key: K, seconds: float) -> None:
        """Counts a finished unit of ``key``."""
        if key in self._next:
            start = max(self._next[key], self._now)
            self._now = start
            self._next[key] = start + seconds
