"""Who may compute next: the one that has been served least."""


class FairShare:
    """Start-time fair queueing over names; pure, for one thread.

    Each name has the virtual time at which its next unit would start. The least goes first.
    A name that had nothing to do for a while starts from the present: it neither pays for
    what it did long ago nor may it catch up on what it left out.

    Source: Goyal, Vin, Cheng 1996, start-time fair queueing.
    """

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._now = 0.0

    def enter(self, name: str) -> None:
        self._next.setdefault(name, self._now)

    def leave(self, name: str) -> None:
        self._next.pop(name, None)

    def order(self) -> list[str]:
        """Every name, the least served first; among equals in order of entry."""
        if len(self._next) < 2:
            return list(self._next)
        now = self._now
        return sorted(self._next, key=lambda name: max(self._next[name], now))

    def charge(self, name: str, seconds: float) -> None:
        """Counts a finished unit of ``name``."""
        if name in self._next:
            start = max(self._next[name], self._now)
            self._now = start
            self._next[name] = start + seconds
