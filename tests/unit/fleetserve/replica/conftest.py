from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from fleetserve.runtime import ServiceRuntime, make_runtime
from fleetserve.settings import ServiceSettings
from fleetserve.tokens import make_secrets

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
async def runtime(
    settings: ServiceSettings, own_logging: None, anyio_backend: str
) -> AsyncIterator[ServiceRuntime]:
    """A replica's runtime without Redis, with the secrets of gateway and replica."""
    make_secrets(settings.secrets_dir, ["gateway", "inference-svc"])
    runtime = make_runtime(
        replace(settings, service="inference-svc", replica_id="r1", redis_url=NOBODY)
    )
    runtime.address = "http://127.0.0.1:1"
    yield runtime
    await runtime.redis.aclose()
    runtime.sink.close()
