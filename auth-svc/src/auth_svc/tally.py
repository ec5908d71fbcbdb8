"""Counts events in any thread, for the metrics, which belong to the event loop."""

import threading


class Tally:
    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.totals: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, name: str) -> None:
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + 1
            self.totals[name] = self.totals.get(name, 0) + 1

    def drain(self) -> dict[str, int]:
        """What was counted since the last call."""
        with self._lock:
            counts, self._counts = self._counts, {}
        return counts
