"""Whether a worker is there: a key with a TTL, which the registry's health looks at."""

import msgspec
import redis
from redis.exceptions import RedisError

from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys

PERIOD_S = 2.0
TTL_S = 6


class WorkerReport(msgspec.Struct, frozen=True):
    """``bytes_per_s``: of the worker's latest download; 0 before the first."""

    active: int = 0
    bytes_per_s: float = 0.0


_decode = msgspec.json.Decoder(WorkerReport).decode


class WorkerPresence:
    """Blocking; safe from several threads."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._prefix = f"{keys.prefix}:worker:"

    def announce(self, replica_id: str, report: WorkerReport) -> bool:
        """Says that the worker is alive and what it does; False if Redis is away."""
        try:
            self._client.set(self._prefix + replica_id, msgspec.json.encode(report), ex=TTL_S)
        except (RedisError, OSError):
            return False
        return True

    def withdraw(self, replica_id: str) -> None:
        """Says that the worker goes; if Redis is away the key runs out by itself."""
        try:
            self._client.delete(self._prefix + replica_id)
        except (RedisError, OSError):
            return

    def workers(self) -> dict[str, WorkerReport]:
        """The workers that are alive, by replica id.

        Raises: UnavailableError: Redis is away.
        """
        try:
            names = list(self._client.scan_iter(f"{self._prefix}*", count=1000))
            values = self._client.mget(names) if names else []
        except (RedisError, OSError) as exc:
            raise UnavailableError(f"Redis does not answer ({exc}).") from exc
        assert isinstance(values, list)
        return {
            name.decode().removeprefix(self._prefix): _decode(raw)
            for name, raw in zip(names, values, strict=True)
            if raw is not None
        }

    def last_rate(self) -> float:
        """Bytes per second of the fastest worker's latest download; 0: not known."""
        try:
            return max((w.bytes_per_s for w in self.workers().values()), default=0.0)
        except UnavailableError:
            return 0.0
