import threading
from collections.abc import Iterable

from fleetserve.auth.revocations import Revocation


class MemoryRevocationStore:
    def __init__(self) -> None:
        self._entries: dict[str, Revocation] = {}
        self._lock = threading.Lock()

    def add(self, revocations: Iterable[Revocation]) -> None:
        with self._lock:
            for revocation in revocations:
                self._entries.setdefault(revocation.text(), revocation)

    def live(self, now_s: float) -> list[Revocation]:
        with self._lock:
            return [entry for entry in self._entries.values() if entry.expires_at > now_s]

    def prune(self, now_s: float) -> int:
        with self._lock:
            over = [text for text, e in self._entries.items() if e.expires_at <= now_s]
            for text in over:
                del self._entries[text]
            return len(over)
