"""Decisions in this process, for tests."""

from collections import deque

from autoscaler_svc.journal.base import KEPT, Entry
from fleetserve.errors import UnavailableError


class MemoryJournal:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self.away = ""

    async def write(self, entry: Entry) -> None:
        self._ask()
        self._entries.appendleft(entry)

    async def read(self, limit: int) -> list[Entry]:
        self._ask()
        return list(self._entries)[:limit]

    def _ask(self) -> None:
        if self.away:
            raise UnavailableError(self.away)
