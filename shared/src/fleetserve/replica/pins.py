"""Which models are pinned, so that none of them is unloaded here to make room."""

from typing import Any

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from fleetserve.clock import Clock
from fleetserve.keys import Keys
from fleetserve.model_policies import decode_policies
from fleetserve.replica.pool import ModelPool

log = structlog.get_logger(__name__)

PERIOD_S = 5.0


class Pins:
    """Tells a pool which models are pinned; while Redis is away, those that were."""

    def __init__(
        self, client: redis.asyncio.Redis, keys: Keys, pool: ModelPool[Any], clock: Clock
    ) -> None:
        self._client = client
        self._key = keys.policies
        self._pool = pool
        self._clock = clock
        self._failing = False

    async def run(self) -> None:
        """Reads until cancelled."""
        while True:
            await self.read()
            await self._clock.sleep(PERIOD_S)

    async def read(self) -> bool:
        """Reads now; False, logged once, where Redis does not answer."""
        try:
            raw = await self._client.hgetall(self._key)
        except (RedisError, OSError, TimeoutError) as exc:
            if not self._failing:
                log.warning("pins.unread", error=str(exc))
            self._failing = True
            return False
        self._failing = False
        policies = decode_policies(raw.values())
        self._pool.pinned = frozenset(name for name, policy in policies.items() if policy.pinned)
        return True
