"""The fleet as it announces itself in Redis."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from fleetserve.announcements import Announcement, decode_announcement
from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.model_records import ModelRecord, canonical_name, decode_record
from gpu_svc.torch_builds import TorchBuild, reported_build


class RedisFleet:
    """Reads announcements and model records; each call asks Redis anew."""

    def __init__(self, client: redis.asyncio.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def torch_builds(self) -> list[TorchBuild]:
        with _translated():
            names = [name async for name in self._client.scan_iter(self._keys.announcement_pattern)]
            raws = await self._client.mget(names) if names else []
        replicas = [replica for raw in raws if raw and (replica := _decoded(_bytes(raw)))]
        builds = (reported_build(r.replica_id, r.device, r.versions) for r in replicas)
        return [build for build in builds if build is not None]

    async def model(self, name: str) -> ModelRecord | None:
        with _translated():
            raw = await self._client.hget(self._keys.models, name)
            if raw is not None:
                return decode_record(_bytes(raw))
            everything = await self._client.hgetall(self._keys.models)
        wanted = canonical_name(name)
        found = (
            raw for key, raw in everything.items() if canonical_name(_bytes(key).decode()) == wanted
        )
        raw = next(found, None)
        return None if raw is None else decode_record(_bytes(raw))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise UnavailableError(
            f"The fleet can't be asked while Redis is away: {error}", code="redis_unavailable"
        ) from error


def _bytes(value: bytes | str) -> bytes:
    """redis-py's types allow for a client that decodes; the fleet's does not."""
    return value.encode() if isinstance(value, str) else value


def _decoded(raw: bytes) -> Announcement | None:
    """None for the announcement of a newer or older release that reads otherwise."""
    try:
        return decode_announcement(raw)
    except msgspec.DecodeError:
        return None
