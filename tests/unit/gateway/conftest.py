import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from fleetserve.clock import ManualClock
from fleetserve.runtime import ServiceRuntime, make_runtime
from fleetserve.settings import ServiceSettings, load_service_settings
from fleetserve.tokens import CALLS, TokenSigner, make_secrets
from gateway.dispatcher import Dispatcher
from gateway.download_orders import DownloadOrders
from gateway.first_use import FirstUse
from gateway.known_models import KnownModels
from gateway.replica_table import ReplicaTable
from gateway.service_calls import ServiceCalls
from gateway.upstream.memory import MemoryUpstream
from gateway.waiting_room import WaitingRoom
from tests.unit.gateway.fleet import OFFER, OFFERED, Fleet

START_S = 1000.0
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_S)


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    """A gateway's settings with everything under a folder of the test's own and no Redis."""
    environ = {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        "FLEETSERVE_CATALOGUE": str(tmp_path / "models.json"),
        "FLEETSERVE_REPLICA_ID": "g1",
        "FLEETSERVE_LOGGING__STDOUT": "false",
        "REDIS_URL": NOBODY,
    }
    return load_service_settings("gateway", environ)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Puts back what configure_logging changes."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
async def runtime(
    settings: ServiceSettings, clock: ManualClock, own_logging: None, anyio_backend: str
) -> AsyncIterator[ServiceRuntime]:
    """A gateway's runtime on the test's clock, with the secrets of the whole fleet."""
    services = {*CALLS, *(audience for called in CALLS.values() for audience in called)}
    make_secrets(settings.secrets_dir, services)
    runtime = make_runtime(settings)
    runtime.clock = clock
    runtime.signer = TokenSigner(settings.secrets_dir, "gateway", clock)
    runtime.address = "http://g1"
    yield runtime
    await runtime.redis.aclose()
    runtime.sink.close()


@pytest.fixture
def table(clock: ManualClock) -> ReplicaTable:
    return ReplicaTable(clock)


@pytest.fixture
def models() -> KnownModels:
    return KnownModels([OFFER], {"tts-1": [OFFERED]})


@pytest.fixture
def room(table: ReplicaTable, clock: ManualClock) -> WaitingRoom:
    return WaitingRoom(table, clock, max_requests=4, max_bytes=1000, hold_s=60.0)


@pytest.fixture
def upstream() -> MemoryUpstream:
    return MemoryUpstream()


@pytest.fixture
async def fleet(
    clock: ManualClock,
    runtime: ServiceRuntime,
    table: ReplicaTable,
    models: KnownModels,
    room: WaitingRoom,
    upstream: MemoryUpstream,
) -> Fleet:
    calls = ServiceCalls(table, lambda: upstream, runtime.signer, clock)
    dispatcher = Dispatcher(
        table, models, room, lambda: upstream, runtime.signer, clock, runtime.metrics
    )
    orders = DownloadOrders(calls, table, clock)
    first_use = FirstUse(dispatcher, models, room, orders, clock)
    return Fleet(clock, runtime, table, models, room, upstream, calls, dispatcher, first_use)
