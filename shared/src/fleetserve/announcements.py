"""How a process tells the fleet that it is there: a key with a TTL, and pub/sub."""

import asyncio
from collections.abc import Callable
from enum import StrEnum

import msgspec
import redis.asyncio
import structlog
from redis.exceptions import RedisError

from fleetserve.keys import Keys

log = structlog.get_logger(__name__)

PERIOD_S = 1.0
TTL_S = 5


class ReplicaState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    GONE = "gone"


class InstanceState(StrEnum):
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class ModelInstance(msgspec.Struct, frozen=True):
    """A model on a replica.

    ``bytes`` is the memory counted for it, ``in_use`` how many hold it now, ``uses`` how often it
    was used since it was loaded; ``last_used_s_ago`` counts from the load where it never was.
    ``tuning`` is what was done to make it faster.
    """

    name: str
    revision: str
    state: InstanceState
    bytes: int = 0
    task: str = ""
    dtype: str = ""
    last_used_s_ago: float = 0.0
    in_use: int = 0
    uses: int = 0
    tuning: str = ""


class Announcement(msgspec.Struct, frozen=True):
    """One process as the fleet sees it.

    ``in_flight`` counts accepted and unanswered requests, ``capacity`` what it takes at most,
    ``queued`` what of it waits for the model (each input of a batch counts),
    ``progress`` rises with every compute step, ``room_bytes`` is memory free for models
    (negative: not counted), ``versions`` names what runs the models, such as torch. A new
    ``boot_id`` is a new process under the same replica id.
    """

    service: str
    replica_id: str
    address: str
    boot_id: str
    state: ReplicaState
    models: tuple[ModelInstance, ...] = ()
    in_flight: int = 0
    capacity: int = 0
    queued: int = 0
    device: str = ""
    progress: int = 0
    room_bytes: int = -1
    version: str = ""
    started_at: float = 0.0
    versions: dict[str, str] = {}


_decode = msgspec.json.Decoder(Announcement).decode


def encode_announcement(announcement: Announcement) -> bytes:
    return msgspec.json.encode(announcement)


def decode_announcement(raw: bytes | str) -> Announcement:
    """Raises: msgspec.DecodeError: not an announcement."""
    return _decode(raw)


class Announcer:
    """Publishes what ``describe`` returns, when it has changed; else the heartbeat does.

    Redis down or hung costs the caller nothing: failures are logged once, and the next heartbeat
    tells it again.
    """

    def __init__(
        self,
        client: redis.asyncio.Redis,
        keys: Keys,
        describe: Callable[[], Announcement],
    ) -> None:
        self._client = client
        self._keys = keys
        self._describe = describe
        self._failing = False

    async def announce_now(self) -> None:
        """One announcement; a failure is logged, not raised."""
        announcement = self._describe()
        key = self._keys.announcement(announcement.service, announcement.replica_id)
        raw = encode_announcement(announcement)
        try:
            async with asyncio.timeout(2.0), self._client.pipeline(transaction=False) as pipe:
                if announcement.state is ReplicaState.GONE:
                    pipe.delete(key)
                else:
                    pipe.set(key, raw, ex=TTL_S)
                pipe.publish(self._keys.announcements_channel, raw)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as exc:
            if not self._failing:
                log.warning("announcement.failed", error=str(exc))
            self._failing = True
            return
        if self._failing:
            log.info("announcement.recovered")
        self._failing = False
