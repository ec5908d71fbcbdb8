"""What every service process carries: settings, identity, Redis, metrics, tokens, its state."""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from secrets import token_hex

import redis.asyncio
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from fleetserve import __version__
from fleetserve.announcements import Announcement, Announcer, ReplicaState
from fleetserve.clock import Clock, SystemClock
from fleetserve.dashboard.view import Table, Tile
from fleetserve.heartbeat import Heartbeat
from fleetserve.keys import Keys
from fleetserve.log_file import LogSink
from fleetserve.logs import configure_logging
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.metrics.rollup import RollUp
from fleetserve.redis_client import make_redis
from fleetserve.settings import ServiceSettings
from fleetserve.tokens import TokenSigner, TokenVerifier

HISTORY_S = 120
NotReady = Callable[[], str | None]


@dataclass(slots=True)
class ServiceRuntime:
    """Built once in a service's app.py and passed down.

    Attributes:
        readiness: Each returns why this process is not ready, or None.
        liveness: Each returns why this process should be replaced, or None.
        describe: Adds what only this service knows (models, device, capacity) to its
            announcement.
        serves_models: Requests for models are its work, and what its dashboard counts.
        tiles, tables: What only this service has to show on its dashboard.
        history: The last two minutes of roll-ups, oldest first.
        background: Coroutines that run from start-up to shutdown.
    """

    settings: ServiceSettings
    clock: Clock
    keys: Keys
    redis: redis.asyncio.Redis
    registry: CollectorRegistry
    metrics: RequestMetrics
    signer: TokenSigner
    verifier: TokenVerifier
    sink: LogSink
    boot_id: str
    started_at: float
    address: str = ""
    draining: bool = False
    gone: bool = False
    readiness: list[NotReady] = field(default_factory=list)
    liveness: list[NotReady] = field(default_factory=list)
    describe: Callable[[Announcement], Announcement] = lambda announcement: announcement
    background: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    on_shutdown: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    serves_models: bool = False
    tiles: list[Callable[[], Tile]] = field(default_factory=list)
    tables: list[Callable[[], Table | Awaitable[Table]]] = field(default_factory=list)
    history: deque[RollUp] = field(default_factory=lambda: deque(maxlen=HISTORY_S))

    def not_ready_reasons(self) -> list[str]:
        return [reason for check in self.readiness if (reason := check()) is not None]

    def not_live_reasons(self) -> list[str]:
        return [reason for check in self.liveness if (reason := check()) is not None]

    @property
    def state(self) -> ReplicaState:
        if self.gone:
            return ReplicaState.GONE
        if self.draining:
            return ReplicaState.DRAINING
        if not self.address or self.not_ready_reasons() or self.not_live_reasons():
            return ReplicaState.STARTING
        return ReplicaState.READY

    def announcement(self) -> Announcement:
        """This process as the fleet should see it now."""
        base = Announcement(
            service=self.settings.service,
            replica_id=self.settings.replica_id,
            address=self.address,
            boot_id=self.boot_id,
            state=self.state,
            in_flight=self.metrics.in_flight,
            version=__version__,
            started_at=self.started_at,
        )
        return self.describe(base)

    def announcer(self) -> Announcer:
        return Announcer(self.redis, self.keys, self.announcement)

    def heartbeat(self) -> Heartbeat:
        return Heartbeat(
            self.redis, self.keys, self.announcement, self.metrics, self.clock, self.history
        )


def make_runtime(settings: ServiceSettings) -> ServiceRuntime:
    """The real thing: system clock, Redis by the settings, logging switched on."""
    clock = SystemClock()
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return ServiceRuntime(
        settings=settings,
        clock=clock,
        keys=Keys(settings.key_prefix),
        redis=make_redis(settings.redis_url),
        registry=registry,
        metrics=RequestMetrics(settings.service, settings.replica_id, registry),
        signer=TokenSigner(settings.secrets_dir, settings.service, clock),
        verifier=TokenVerifier(settings.secrets_dir, settings.service, clock),
        sink=configure_logging(settings),
        boot_id=token_hex(8),
        started_at=clock.now_s(),
    )
