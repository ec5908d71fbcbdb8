import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from autoscaler_svc.app import control_app
from autoscaler_svc.settings import load_settings
from fleetserve.clock import ManualClock
from fleetserve.runtime import ServiceRuntime, make_runtime
from tests.unit.autoscaler_svc.world import ME, World

NOW_S = 1_767_225_600.0
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with everything under a folder of the test's own."""
    return {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        "FLEETSERVE_REPLICA_ID": ME,
        "FLEETSERVE_LOGGING__STDOUT": "false",
        "FLEETSERVE_ENGINE_SOCKET": str(tmp_path / "engine.sock"),
        "REDIS_URL": NOBODY,
    }


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Puts back what a service's start does to logging."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_S)


@pytest.fixture
async def runtime(
    environ: dict[str, str], clock: ManualClock, own_logging: None, anyio_backend: str
) -> AsyncIterator[ServiceRuntime]:
    runtime = make_runtime(load_settings(environ).service)
    runtime.clock = clock
    yield runtime
    await runtime.redis.aclose()
    runtime.sink.close()


@pytest.fixture
async def world(runtime: ServiceRuntime, clock: ManualClock) -> AsyncIterator[World]:
    """A fleet with one replica of each kind; nothing has been looked at yet."""
    world = World(runtime, clock)
    yield world
    for close in runtime.on_shutdown[1:]:
        await close()


@pytest.fixture
async def client(world: World, runtime: ServiceRuntime) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the service's routes; the world's time does not move by itself."""
    transport = httpx.ASGITransport(control_app(runtime, world.services))
    async with httpx.AsyncClient(transport=transport, base_url="http://autoscaler") as client:
        yield client
