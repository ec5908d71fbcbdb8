import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import httpx2
import pytest
import redis
import structlog
from fastapi import FastAPI

from fleetserve.app import create_app
from fleetserve.clock import SystemClock
from fleetserve.keys import Keys
from fleetserve.runtime import make_runtime
from fleetserve.settings import load_service_settings
from model_registry_svc.api.downloads import router as downloads_router
from model_registry_svc.api.manage import router as manage_router
from model_registry_svc.api.models import router as models_router
from model_registry_svc.api.tunings import router as tunings_router
from model_registry_svc.api.voices import router as voices_router
from model_registry_svc.loading import ReplicaLoader
from model_registry_svc.managing import Manager
from model_registry_svc.placing import Placing
from model_registry_svc.policies import PolicyBook
from model_registry_svc.request_counts import RequestCounts
from model_registry_svc.services import RegistryServices
from model_registry_svc.tracking import Tracker
from model_registry_svc.tunings import TuningBook
from model_registry_svc.voices import VoiceBook
from model_registry_svc.worker_presence import WorkerPresence
from tests.unit.model_registry_svc.conftest import Registry


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
async def app(
    registry: Registry,
    client: redis.Redis,
    keys: Keys,
    tmp_path: Path,
    own_logging: None,
    anyio_backend: str,
) -> AsyncIterator[FastAPI]:
    """The registry's routes over its domain on memory adapters."""
    environ = {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "none"),
        "FLEETSERVE_LOGGING__STDOUT": "false",
    }
    runtime = make_runtime(load_service_settings("model-registry-svc", environ))
    routers = [models_router, manage_router, downloads_router, tunings_router, voices_router]
    app = create_app(runtime, title="registry", routers=routers)
    tracker = Tracker(registry.queue, registry.library, SystemClock())
    loader = ReplicaLoader(
        tracker, registry.library, registry.board, runtime.signer, httpx2.AsyncClient()
    )
    policies = PolicyBook(client, keys)
    placing = Placing(registry.board, registry.calls, SystemClock())
    manager = Manager(
        registry.library,
        registry.records,
        policies,
        registry.board,
        placing,
        registry.revisions,
        tracker,
    )
    app.state.services = RegistryServices(
        downloads=registry.downloads,
        tracker=tracker,
        library=registry.library,
        records=registry.records,
        board=registry.board,
        catalogue=registry.catalogue,
        counts=RequestCounts(),
        presence=WorkerPresence(client, keys),
        loader=loader,
        policies=policies,
        manager=manager,
        tunings=TuningBook(registry.library),
        voices=VoiceBook(registry.library, SystemClock()),
        clock=SystemClock(),
    )
    yield app
    await loader.close()
    await runtime.redis.aclose()
    runtime.sink.close()


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    # Errors outside the tree are raised into the test.
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry") as client:
        yield client
