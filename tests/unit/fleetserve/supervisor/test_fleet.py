import asyncio
import io

import pytest

from fleetserve.clock import ManualClock
from fleetserve.supervisor.console import Console
from fleetserve.supervisor.environment import Wiring
from fleetserve.supervisor.errors import SupervisorError
from fleetserve.supervisor.fleet import Fleet
from fleetserve.supervisor.home import FleetHome
from fleetserve.supervisor.launcher import Launcher
from fleetserve.supervisor.services import FLEET
from fleetserve.supervisor.settings import SupervisorSettings
from fleetserve.supervisor.spawner.memory import MemoryChild, MemorySpawner
from tests.unit.fleetserve.supervisor.conftest import MakeLaunch, MakeSettings, MemoryReadiness


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def settings(make_settings: MakeSettings) -> SupervisorSettings:
    return make_settings(FLEETSERVE_START_TIMEOUT_S="30")


@pytest.fixture
def fleet(
    settings: SupervisorSettings, spawner: MemorySpawner, clock: ManualClock, stream: io.StringIO
) -> Fleet:
    console = Console(stream, colour=False)
    return Fleet(settings, FLEET, spawner=spawner, clock=clock, console=console)


@pytest.fixture
def launcher(settings: SupervisorSettings, home: FleetHome, clock: ManualClock) -> Launcher:
    wiring = Wiring("redis://127.0.0.1:1/0", "fleetserve", home.path / "engine.sock", 2)
    return Launcher(settings, home, wiring, clock)


def child_of(spawner: MemorySpawner, replica_id: str) -> MemoryChild:
    for command, child in zip(spawner.commands, spawner.children, strict=True):
        if command.environment.get("FLEETSERVE_REPLICA_ID", "redis") == replica_id:
            return child
    raise AssertionError(f"{replica_id} was not started")


async def test_every_service_of_the_table_is_started_at_once(
    fleet: Fleet, launcher: Launcher, spawner: MemorySpawner, clock: ManualClock
) -> None:
    fleet.create_services(launcher)
    await clock.advance(0)
    started = [command.environment["FLEETSERVE_REPLICA_ID"] for command in spawner.commands]
    assert started == [f"{t.name}-1" if t.replicas else t.name for t in FLEET]
    await fleet.stop()


async def test_redis_that_does_not_start_is_explained(
    fleet: Fleet,
    spawner: MemorySpawner,
    clock: ManualClock,
    make_launch: MakeLaunch,
    readiness: MemoryReadiness,
    stream: io.StringIO,
) -> None:
    readiness.address = None
    starting = asyncio.create_task(fleet.start_redis(make_launch("redis")))
    await clock.advance(0)
    spawner.children[0].say(b"Bad file format reading the append only file\n")
    spawner.children[0].exit(1)
    with pytest.raises(SupervisorError, match=r"redis did not start: .*exit status 1") as caught:
        await starting
    assert "Bad file format" in str(caught.value)
    assert "FAIL   redis" in stream.getvalue()
    await fleet.stop()


async def test_service_that_ends_before_it_is_ready_fails_the_start(
    fleet: Fleet, launcher: Launcher, spawner: MemorySpawner, clock: ManualClock
) -> None:
    processes = fleet.create_services(launcher)
    starting = asyncio.create_task(fleet.services_ready(processes))
    await clock.advance(0)
    child_of(spawner, "audio-svc-1").exit(1)
    with pytest.raises(SupervisorError, match="audio-svc did not start"):
        await starting
    await fleet.stop()
    assert all(child.exited.done() for child in spawner.children)
    assert len(spawner.children) == len(FLEET)


async def test_services_that_are_never_ready_fail_the_start_in_time(
    fleet: Fleet,
    launcher: Launcher,
    clock: ManualClock,
    make_launch: MakeLaunch,
    monkeypatch: pytest.MonkeyPatch,
    stream: io.StringIO,
) -> None:
    monkeypatch.setattr("fleetserve.supervisor.fleet.PATIENCE_S", 0.01)
    never = [
        fleet.engine.run(make_launch(name, own_readiness=MemoryReadiness(clock, None)))
        for name in ("slow-1", "slow-2")
    ]
    starting = asyncio.create_task(fleet.services_ready(never))
    await clock.advance(31)
    with pytest.raises(SupervisorError) as caught:
        await starting
    assert str(caught.value).count("did not become ready in time: it does not listen yet") == 2
    assert "wait   slow-1" in stream.getvalue()
    await fleet.stop()


async def test_gateway_ends_first_and_redis_last(
    fleet: Fleet,
    launcher: Launcher,
    spawner: MemorySpawner,
    clock: ManualClock,
    make_launch: MakeLaunch,
) -> None:
    await fleet.start_redis(make_launch("redis"))
    fleet.create_services(launcher)
    await clock.advance(0)
    gateway, replica, redis = (
        child_of(spawner, name) for name in ("gateway", "inference-svc-1", "redis")
    )
    gateway.stubborn = replica.stubborn = True
    stopping = asyncio.create_task(fleet.stop())
    await clock.advance(1)
    assert (gateway.terminations, replica.terminations, redis.terminations) == (1, 0, 0)
    gateway.exit(0)
    await clock.advance(1)
    assert (replica.terminations, redis.terminations) == (1, 0)
    replica.exit(0)
    await asyncio.wait_for(stopping, timeout=5)
    assert redis.terminations == 1


async def test_service_that_does_not_end_is_killed_and_named(
    fleet: Fleet,
    launcher: Launcher,
    spawner: MemorySpawner,
    clock: ManualClock,
    stream: io.StringIO,
) -> None:
    fleet.create_services(launcher)
    await clock.advance(0)
    child_of(spawner, "audio-svc-1").stubborn = True
    stopping = asyncio.create_task(fleet.stop())
    await clock.advance(60)
    await asyncio.wait_for(stopping, timeout=5)
    assert "kill   audio-svc-1" in stream.getvalue()


async def test_kill_ends_everything_without_waiting(
    fleet: Fleet, launcher: Launcher, spawner: MemorySpawner, clock: ManualClock
) -> None:
    spawner.stubborn = True
    fleet.create_services(launcher)
    await clock.advance(0)
    stopping = asyncio.create_task(fleet.stop())
    await clock.advance(0)
    fleet.kill()
    await asyncio.wait_for(stopping, timeout=5)
    assert all(child.exited.done() for child in spawner.children)
