"""A list of jobs in this process: for tests and for a fleet of one process."""

from threading import Lock

from fleetserve.clock import Clock
from gateway.jobs.index.base import Listed


class MemoryIndex:
    """See JobIndex."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._places: dict[tuple[str, str], int] = {}

    def add(self, principal: str, job_id: str) -> None:
        with self._lock:
            newest = max(self._places.values(), default=0)
            now = max(int(self._clock.now_s() * 1e6), newest + 1)
            self._places.setdefault((principal, job_id), now)

    def page(self, principal: str | None, limit: int, before: int | None) -> list[Listed]:
        with self._lock:
            found = [
                Listed(job_id, place)
                for (owner, job_id), place in self._places.items()
                if principal in (None, owner) and (before is None or place < before)
            ]
        return sorted(found, key=lambda listed: -listed.place)[:limit]

    def forget(self, principal: str, job_id: str) -> None:
        with self._lock:
            self._places.pop((principal, job_id), None)
