import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import NotFoundError, UnavailableError
from fleetserve.supervisor.engine import Engine
from fleetserve.supervisor.engine_client import EngineClient
from fleetserve.supervisor.engine_server import serve_engine
from fleetserve.supervisor.engine_socket import listening_socket
from fleetserve.supervisor.services import FLEET
from fleetserve.supervisor.spawner.memory import MemorySpawner
from tests.unit.fleetserve.supervisor.conftest import Diary


@pytest.fixture
async def engine() -> Engine:
    return Engine(FLEET, spawner=MemorySpawner(), clock=SystemClock(), observer=Diary())


@contextlib.asynccontextmanager
async def serving(engine: Engine, home: Path) -> AsyncIterator[Path]:
    with listening_socket(home, None) as listener:
        task = asyncio.create_task(serve_engine(engine, listener))
        yield Path(listener.getsockname())
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_engine_answers_at_its_socket(engine: Engine, tmp_path: Path) -> None:
    async with serving(engine, tmp_path) as path, EngineClient(path) as client:
        assert await client.list() == []
        with pytest.raises(NotFoundError):
            await client.inspect("nobody")


async def test_callers_that_come_before_it_serves_wait(engine: Engine, tmp_path: Path) -> None:
    with listening_socket(tmp_path, None) as listener:
        async with EngineClient(Path(listener.getsockname())) as client:
            asking = asyncio.create_task(client.list())
            task = asyncio.create_task(serve_engine(engine, listener))
            assert await asking == []
            task.cancel()
            await asyncio.wait({task})


async def test_nobody_answers_after_the_end(engine: Engine, tmp_path: Path) -> None:
    async with serving(engine, tmp_path) as path:
        pass
    async with EngineClient(path) as client:
        with pytest.raises(UnavailableError):
            await client.list()


async def test_signal_handlers_are_left_alone(engine: Engine, tmp_path: Path) -> None:

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with serving(engine, tmp_path) as path, EngineClient(path) as client:
        await client.list()
        assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before
