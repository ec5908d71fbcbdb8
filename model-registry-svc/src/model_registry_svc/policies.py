"""What was asked of models beyond their files: pinning and keep_alive, in a Redis hash."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.exceptions import RedisError

from fleetserve.errors import UnavailableError
from fleetserve.keys import Keys
from fleetserve.model_policies import ModelPolicy, decode_policies, encode_policy


class PolicyBook:
    """Blocking; safe from several threads. Kept over restarts, as long as Redis's data is.

    Raises (from every method): UnavailableError: Redis is away; nothing was changed.
    """

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._key = keys.policies

    def all(self) -> dict[str, ModelPolicy]:
        """By the model's name; most have none."""
        with _translated():
            found = self._client.hgetall(self._key)
        assert isinstance(found, dict)
        return decode_policies(found.values())

    def find(self, name: str) -> ModelPolicy:
        """Of exactly that name; one that asks for nothing where there is none."""
        return self.all().get(name, ModelPolicy(name))

    def put(self, policy: ModelPolicy) -> None:
        with _translated():
            if policy == ModelPolicy(policy.name):
                self._client.hdel(self._key, policy.name)
            else:
                self._client.hset(self._key, policy.name, encode_policy(policy).decode())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as exc:
        raise UnavailableError(
            f"Redis, which keeps what was asked of models, does not answer ({exc}).",
            code="redis_unavailable",
        ) from exc
