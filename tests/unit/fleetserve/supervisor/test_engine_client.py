from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from fleetserve.clock import ManualClock
from fleetserve.errors import (
    ConflictError,
    InvalidFieldError,
    NotFoundError,
    UnavailableError,
    UpstreamError,
)
from fleetserve.supervisor.engine import Engine
from fleetserve.supervisor.engine_api import engine_app
from fleetserve.supervisor.engine_client import EngineClient
from fleetserve.supervisor.environment import Wiring
from fleetserve.supervisor.home import FleetHome
from fleetserve.supervisor.launcher import Launcher
from fleetserve.supervisor.services import FLEET
from fleetserve.supervisor.settings import SupervisorSettings
from fleetserve.supervisor.spawner.memory import MemorySpawner
from fleetserve.supervisor.specs import ProcessSpec, ProcessState
from tests.unit.fleetserve.supervisor.conftest import Diary

SOCKET = Path("/nowhere/engine.sock")


@pytest.fixture
async def engine(
    settings: SupervisorSettings,
    home: FleetHome,
    spawner: MemorySpawner,
    clock: ManualClock,
    diary: Diary,
) -> AsyncIterator[Engine]:
    engine = Engine(FLEET, spawner=spawner, clock=clock, observer=diary)
    wiring = Wiring("redis://127.0.0.1:1/0", "fleetserve", home.path / "engine.sock", 2)
    engine.use(Launcher(settings, home, wiring, clock))
    yield engine
    for process in engine.list():
        await process.stop(0)


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[EngineClient]:
    transport = httpx.ASGITransport(engine_app(engine))
    async with EngineClient(SOCKET, transport=transport) as client:
        yield client


async def test_life_of_a_process_through_the_client(
    client: EngineClient, clock: ManualClock, spawner: MemorySpawner
) -> None:
    spec = ProcessSpec("inference-svc", replica_id="r2", labels={"zone": "a"})
    created = await client.create(spec)
    await clock.advance(0)
    spawner.children[0].say(b"hello\n")
    assert await client.logs(created.id) == "hello\n"
    assert [v.id for v in await client.list({"zone": "a"})] == [created.id]
    assert await client.list({"zone": "b"}) == []
    assert (await client.inspect("r2")).state is ProcessState.STARTING
    assert (await client.stop(created.id, grace_s=1)).exit_code == 143
    await client.remove(created.id)
    assert await client.list() == []


async def test_errors_come_back_as_they_were_raised(client: EngineClient) -> None:
    await client.create(ProcessSpec("audio-svc", replica_id="r1"))
    with pytest.raises(NotFoundError, match="no process r9"):
        await client.inspect("r9")
    with pytest.raises(ConflictError, match="r1 belongs to process"):
        await client.create(ProcessSpec("audio-svc", replica_id="r1"))
    with pytest.raises(InvalidFieldError) as caught:
        await client.create(ProcessSpec("gateway"))
    assert caught.value.detail.startswith("service: 'gateway' can't be created")


async def test_stopping_fleet_is_unavailable(client: EngineClient, engine: Engine) -> None:
    engine.close()
    with pytest.raises(UnavailableError, match="stopping"):
        await client.create(ProcessSpec("audio-svc"))


async def test_socket_without_an_engine_is_unavailable() -> None:
    async with EngineClient(SOCKET) as client:
        with pytest.raises(UnavailableError, match=r"/nowhere/engine\.sock"):
            await client.list()


async def test_answer_of_another_program_is_a_bad_upstream() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(500, text="oops"))
    async with EngineClient(SOCKET, transport=transport) as client:
        with pytest.raises(UpstreamError, match="500"):
            await client.list()
