"""A lease among those who share one desk."""

from dataclasses import dataclass

from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError


@dataclass(slots=True)
class Desk:
    """Where the lease lies; ``away``: why it can't be reached, if it can't."""

    owner: str = ""
    until_s: float = 0.0
    away: str = ""


class MemoryLease:
    def __init__(self, desk: Desk, owner: str, ttl_s: float, clock: Clock) -> None:
        self._desk = desk
        self._owner = owner
        self._ttl_s = ttl_s
        self._clock = clock

    async def hold(self) -> str:
        now_s = self._now_s()
        desk = self._desk
        if desk.owner in ("", self._owner) or desk.until_s <= now_s:
            desk.owner, desk.until_s = self._owner, now_s + self._ttl_s
        return desk.owner

    async def release(self) -> None:
        self._now_s()
        if self._desk.owner == self._owner:
            self._desk.owner = ""

    def _now_s(self) -> float:
        if self._desk.away:
            raise UnavailableError(self._desk.away)
        return self._clock.monotonic_s()
