from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.integration.gateway.processes import GatewayFleet
from tests.redis_server import RedisServer

MAX_FILE_MB = 24


@pytest.fixture(scope="module")
def shared_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayFleet]:
    """A gateway and two replicas for all tests of a module that break nothing."""
    folder = tmp_path_factory.mktemp("fleet")
    with RedisServer(folder) as server, GatewayFleet(folder, server) as fleet:
        for replica_id in ("i1", "i2"):
            fleet.start_replica(replica_id)
        fleet.start_gateway(SERVER__MAX_FILE_MB=str(MAX_FILE_MB), SERVER__HOLD_REQUESTS="8")
        yield fleet


@pytest.fixture
async def shared(shared_fleet: GatewayFleet) -> GatewayFleet:
    await shared_fleet.ready("i1", "i2")
    return shared_fleet


@pytest.fixture
async def client(shared: GatewayFleet) -> AsyncIterator[httpx.AsyncClient]:
    async with shared.client() as client:
        yield client


@pytest.fixture
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayFleet]:
    """An empty fleet of the test's own, to start and to break."""
    folder = tmp_path_factory.mktemp("fleet")
    with RedisServer(folder) as server, GatewayFleet(folder, server) as fleet:
        yield fleet
