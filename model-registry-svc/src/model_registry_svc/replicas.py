"""Which replicas hold which models, as they announce it themselves."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import redis
from redis.exceptions import RedisError

from fleetserve.announcements import (
    Announcement,
    InstanceState,
    ModelInstance,
    ReplicaState,
    decode_announcement,
)
from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.model_records import canonical_name
from fleetserve.tasks import service_for_task


@dataclass(frozen=True, slots=True)
class Holding:
    """One model on one replica."""

    replica: Announcement
    instance: ModelInstance


class ReplicaBoard:
    """Reads the announcements that have not run out. Blocking; safe from several threads."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def announcements(self) -> list[Announcement]:
        """Every process that announces itself.

        Raises: UnavailableError: Redis is away, so nobody can be heard.
        """
        try:
            pattern = self._keys.announcement_pattern
            names = list(self._client.scan_iter(pattern, count=1000))
            found = self._client.mget(names) if names else []
        except (RedisError, OSError) as exc:
            raise UnavailableError(
                f"Redis does not answer, so replicas can't be heard ({exc})."
            ) from exc
        assert isinstance(found, list)
        return sorted(_decoded(found), key=lambda a: a.replica_id)

    def holdings(self) -> list[Holding]:
        """Models that are loaded or being loaded, by replica. Raises: as announcements."""
        return [
            Holding(replica, instance)
            for replica in self.announcements()
            if replica.state is not ReplicaState.GONE
            for instance in replica.models
            if instance.state is not InstanceState.FAILED
        ]

    def holding(self, name: str) -> list[Holding]:
        """Who has this model. Raises: as announcements."""
        wanted = canonical_name(name)
        return [h for h in self.holdings() if canonical_name(h.instance.name) == wanted]


def _decoded(found: Iterable[object]) -> Iterable[Announcement]:
    for raw in found:
        if not isinstance(raw, bytes):
            continue
        try:
            yield decode_announcement(raw)
        except msgspec.DecodeError:
            # Somebody's newer format; it is as if that process were not there.
            continue


def ready_for(announced: Iterable[Announcement], task: str) -> list[Announcement]:
    """The replicas that take models of this task now."""
    service = service_for_task(task)
    return [a for a in announced if a.service == service and a.state is ReplicaState.READY]


def roomiest(ready: Iterable[Announcement], size_bytes: int) -> list[Announcement]:
    """Those with room, the most first; where room is not counted it is thought to be there."""
    fitting = [a for a in ready if a.room_bytes < 0 or a.room_bytes >= size_bytes]
    return sorted(fitting, key=lambda a: -a.room_bytes)
