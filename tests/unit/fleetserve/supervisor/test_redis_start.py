import asyncio
import io
from pathlib import Path

import pytest

from fleetserve.clock import ManualClock, SystemClock
from fleetserve.supervisor.console import Console
from fleetserve.supervisor.errors import SupervisorError
from fleetserve.supervisor.fleet import Fleet
from fleetserve.supervisor.home import FleetHome
from fleetserve.supervisor.ports import reserved_port
from fleetserve.supervisor.redis_start import obtain_redis
from fleetserve.supervisor.settings import SupervisorSettings
from fleetserve.supervisor.spawner.memory import MemorySpawner
from tests.redis_server import RedisServer
from tests.unit.fleetserve.supervisor.conftest import MakeSettings


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(stream: io.StringIO) -> Console:
    return Console(stream, colour=False)


@pytest.fixture
def fleet(
    settings: SupervisorSettings, spawner: MemorySpawner, clock: ManualClock, console: Console
) -> Fleet:
    return Fleet(settings, (), spawner=spawner, clock=clock, console=console)


def lines_of(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


async def test_given_redis_is_used_and_none_started(
    make_settings: MakeSettings,
    home: FleetHome,
    fleet: Fleet,
    spawner: MemorySpawner,
    console: Console,
    stream: io.StringIO,
    redis_server: RedisServer,
) -> None:
    settings = make_settings(REDIS_URL=redis_server.url)
    url = await obtain_redis(settings, home, fleet, SystemClock(), console, port=1)
    assert url == redis_server.url
    assert spawner.children == []
    assert stream.getvalue().split()[:2] == ["given", "redis"]


async def test_given_redis_that_is_away_is_one_line_without_its_password(
    make_settings: MakeSettings, home: FleetHome, fleet: Fleet, console: Console
) -> None:
    with reserved_port() as port:
        settings = make_settings(REDIS_URL=f"redis://:p4ssw0rd@127.0.0.1:{port}/0")
        with pytest.raises(SupervisorError, match="unset REDIS_URL") as caught:
            await obtain_redis(settings, home, fleet, SystemClock(), console, port=1)
    assert "p4ssw0rd" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_given_redis_that_cannot_be_pinged_is_taken_on_trust(
    make_settings: MakeSettings, home: FleetHome, fleet: Fleet, console: Console
) -> None:
    settings = make_settings(REDIS_URL="rediss://redis.example:6380/0")
    url = await obtain_redis(settings, home, fleet, SystemClock(), console, port=1)
    assert url == "rediss://redis.example:6380/0"


async def test_own_redis_is_started_with_its_private_configuration(
    settings: SupervisorSettings,
    home: FleetHome,
    fleet: Fleet,
    spawner: MemorySpawner,
    clock: ManualClock,
    console: Console,
) -> None:
    with reserved_port() as port:
        obtaining = asyncio.create_task(
            obtain_redis(settings, home, fleet, clock, console, port=port)
        )
        await clock.advance(0)
        binary, config = spawner.commands[0].argv
        assert binary.endswith("redis-server")
        assert f"port {port}" in lines_of(config)
        obtaining.cancel()
        await asyncio.wait({obtaining})
    await fleet.stop()
