"""How many requests there are for each model, told to the autoscaler each second."""

from collections.abc import Mapping

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from fleetserve.clock import Clock
from fleetserve.demand import PERIOD_S, TTL_S, Demand, ModelDemand, encode_demand
from fleetserve.keys import Keys
from gateway.exchange import Exchange

log = structlog.get_logger(__name__)


class _Level:
    """How many there are, and their integral over time since it was last read."""

    __slots__ = ("area", "level", "service", "since_s")

    def __init__(self, service: str, now_s: float) -> None:
        self.service = service
        self.level = 0
        self.area = 0.0
        self.since_s = now_s

    def change(self, by: int, now_s: float) -> None:
        self.area += self.level * (now_s - self.since_s)
        self.since_s = now_s
        self.level += by


class DemandMeter:
    """Counts requests from their choice of a replica to their answer's end.

    Counting costs about 1 µs per request; for the event loop's thread only. A mean is taken
    since single looks at requests of 2 ms show now none and now all of them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._levels: dict[str, _Level] = {}
        self._read_s = clock.monotonic_s()

    def enter(self, exchange: Exchange) -> None:
        """A request has come; those that are for no model don't count."""
        if exchange.model is None:
            return
        now_s = self._clock.monotonic_s()
        level = self._levels.get(exchange.model_name)
        if level is None:
            level = self._levels[exchange.model_name] = _Level(exchange.service, now_s)
        level.change(1, now_s)

    def leave(self, exchange: Exchange) -> None:
        if exchange.model is not None:
            self._levels[exchange.model_name].change(-1, self._clock.monotonic_s())

    def read(self, held: Mapping[str, int]) -> dict[str, ModelDemand]:
        """The means since the last call; models without a request meanwhile are left out.

        Args:
            held: Requests that wait now, by model.
        """
        now_s = self._clock.monotonic_s()
        seconds = now_s - self._read_s
        self._read_s = now_s
        found = {}
        for name, level in list(self._levels.items()):
            level.change(0, now_s)
            if not level.area and not level.level:
                del self._levels[name]
                continue
            mean = level.area / seconds if seconds > 0 else float(level.level)
            found[name] = ModelDemand(level.service, round(mean, 3), held.get(name, 0))
            level.area = 0.0
        return found


class DemandPublisher:
    """Sets this gateway's key while there are requests; without any it costs nothing."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        keys: Keys,
        gateway_id: str,
        meter: DemandMeter,
        held: Mapping[str, int],
        clock: Clock,
    ) -> None:
        self._client = client
        self._key = keys.demand(gateway_id)
        self._gateway_id = gateway_id
        self._meter = meter
        self._held = held
        self._clock = clock
        self._told = False
        self._failing = False

    async def run(self) -> None:
        """Publishes each second until cancelled; failures are logged once."""
        while True:
            await self._clock.sleep(PERIOD_S)
            await self.publish()

    async def publish(self) -> None:
        models = self._meter.read(self._held)
        if not models and not self._told:
            return
        try:
            if models:
                raw = encode_demand(Demand(self._gateway_id, models))
                await self._client.set(self._key, raw, ex=TTL_S)
            else:
                await self._client.delete(self._key)
        except (RedisError, OSError) as exc:
            if not self._failing:
                log.warning("demand.not_told", error=str(exc))
            self._failing = True
            return
        self._told = bool(models)
        self._failing = False
