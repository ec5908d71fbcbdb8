"""How often a model that was asked for was here already."""

from threading import Lock


class RequestCounts:
    """Counts since the start of this process; safe from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._hits = 0
        self._misses = 0

    def count(self, *, hit: bool) -> None:
        with self._lock:
            if hit:
                self._hits += 1
            else:
                self._misses += 1

    @property
    def total(self) -> int:
        return self._hits + self._misses

    @property
    def hit_rate(self) -> float | None:
        """Between 0 and 1; None before the first request."""
        total = self.total
        return round(self._hits / total, 4) if total else None
