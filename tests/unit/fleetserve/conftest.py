import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from fleetserve.runtime import ServiceRuntime, make_runtime
from fleetserve.settings import ServiceSettings, load_service_settings
from fleetserve.tokens import CALLS, make_secrets
from tests.redis_server import RedisServer


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    """A service's settings with everything under a folder of the test's own."""
    environ = {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        "FLEETSERVE_REPLICA_ID": "g1",
        "FLEETSERVE_LOGGING__STDOUT": "false",
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
    settings: ServiceSettings, redis_server: RedisServer, own_logging: None, anyio_backend: str
) -> AsyncIterator[ServiceRuntime]:
    """A gateway's runtime on a real Redis, with the secrets of the whole fleet."""
    make_secrets(settings.secrets_dir, {*CALLS, *(a for called in CALLS.values() for a in called)})
    runtime = make_runtime(replace(settings, redis_url=redis_server.url))
    runtime.address = "http://127.0.0.1:1"
    yield runtime
    await runtime.redis.aclose()
    runtime.sink.close()
