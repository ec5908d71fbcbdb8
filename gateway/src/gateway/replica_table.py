"""The gateway's view of every process of the fleet, in memory."""

import asyncio
from dataclasses import dataclass, field

from fleetserve.announcements import Announcement, InstanceState, ReplicaState
from fleetserve.clock import Clock

STALE_S = 3.5
FORGET_S = 30.0
SUSPECT_S = 1.0


@dataclass(slots=True)
class Replica:
    """One process: what it announced, when it was last seen, what this gateway sent it.

    Attributes:
        own: Requests of this gateway now at the replica.
        others: Requests of anybody else, from its last word.
        suspect_until_s: It failed a request just now; used only when nothing better is left.
    """

    announced: Announcement
    seen_s: float
    own: int = 0
    others: int = 0
    suspect_until_s: float = 0.0
    instances: dict[str, InstanceState] = field(default_factory=dict)

    @property
    def load(self) -> int:
        return self.own + self.others

    @property
    def id(self) -> str:
        return self.announced.replica_id

    @property
    def address(self) -> str:
        return self.announced.address

    def heard(self, announcement: Announcement, now_s: float) -> bool:
        """Takes its word; True where a waiting request may fare differently now."""
        before, instances = self.announced, self.instances
        if announcement.boot_id != self.announced.boot_id:
            self.suspect_until_s = 0.0
        self.announced = announcement
        self.seen_s = now_s
        self.others = max(0, announcement.in_flight - self.own)
        self.instances = {m.name: m.state for m in announcement.models}
        return (
            before.state is not announcement.state
            or before.boot_id != announcement.boot_id
            or instances != self.instances
        )

    def answered(self, in_flight: int) -> None:
        """Takes the count that each answer carries, which is without the answered request."""
        self.others = max(0, in_flight - (self.own - 1))
        self.suspect_until_s = 0.0


class ReplicaTable:
    """Replicas by service. For the event loop's thread only; time is the gateway's own clock.

    While ``frozen`` (Redis is away) age does not count: who was fresh when Redis was last heard
    stays so, and probes keep it known.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._services: dict[str, dict[str, Replica]] = {}
        self._heard_s = 0.0
        self._thawed_s = 0.0
        self.frozen = False
        self._changed: asyncio.Event | None = None

    def update(self, announcement: Announcement) -> None:
        """Takes in an announcement or the answer to a probe; ``gone`` forgets the process."""
        if not self._ages_stand_still:
            self._heard_s = self._clock.monotonic_s()
        if self._take(announcement):
            self.notify()

    def _take(self, announcement: Announcement) -> bool:
        """True for what changes where a request can go; a mere sign of life wakes nobody."""
        replicas = self._services.setdefault(announcement.service, {})
        known = replicas.get(announcement.replica_id)
        if announcement.state is ReplicaState.GONE:
            if known is None or known.announced.boot_id != announcement.boot_id:
                return False
            del replicas[announcement.replica_id]
            return True
        if known is None:
            self._forget()
            known = replicas[announcement.replica_id] = Replica(announcement, 0.0)
            known.heard(announcement, self._clock.monotonic_s())
            return True
        was_lost = not self.is_fresh(known)
        return known.heard(announcement, self._clock.monotonic_s()) or was_lost

    def freeze(self) -> None:
        if not self.frozen:
            self.frozen = True
            self.notify()

    def thaw(self, grace_s: float) -> None:
        """Redis is back: ages count again, but only after ``grace_s``."""
        if self.frozen:
            self.frozen = False
            self._thawed_s = self._clock.monotonic_s() + grace_s

    def suspect(self, replica: Replica, for_s: float = SUSPECT_S) -> bool:
        """A request to it just failed at the connection; False where that is no news."""
        now_s = self._clock.monotonic_s()
        is_news = replica.suspect_until_s <= now_s
        replica.suspect_until_s = max(replica.suspect_until_s, now_s + for_s)
        return is_news

    def is_fresh(self, replica: Replica) -> bool:
        return self._ages_count_to_s() - replica.seen_s < STALE_S

    def _ages_count_to_s(self) -> float:
        """Now, or while ages stand still, the moment when they last counted.

        Who had fallen silent before Redis did is so not brought back by its absence.
        """
        return self._heard_s if self._ages_stand_still else self._clock.monotonic_s()

    @property
    def _ages_stand_still(self) -> bool:
        return self.frozen or self._clock.monotonic_s() < self._thawed_s

    def ready(self, service: str) -> list[Replica]:
        """Replicas that take requests now, in a stable order."""
        oldest_s = self._ages_count_to_s() - STALE_S
        return [
            r
            for r in self._services.get(service, {}).values()
            if r.announced.state is ReplicaState.READY and r.seen_s > oldest_s
        ]

    def all(self, service: str | None = None) -> list[Replica]:
        """Every process known, fresh or not; what was not seen for long is dropped first."""
        self._forget()
        if service is not None:
            return list(self._services.get(service, {}).values())
        return [r for replicas in self._services.values() for r in replicas.values()]

    def services(self) -> list[str]:
        return sorted(name for name, replicas in self._services.items() if replicas)

    def _forget(self) -> None:
        if self._ages_stand_still:
            return
        oldest_s = self._clock.monotonic_s() - FORGET_S
        for replicas in self._services.values():
            for replica_id in [i for i, r in replicas.items() if r.seen_s < oldest_s]:
                del replicas[replica_id]

    def notify(self) -> None:
        """Wakes everyone who waits for the table to change."""
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    def next_change(self) -> asyncio.Event:
        """Set at the next change from now on, however late it is waited for."""
        if self._changed is None:
            self._changed = asyncio.Event()
        return self._changed
