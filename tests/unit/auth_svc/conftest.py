import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from argon2 import PasswordHasher
from fastapi import FastAPI

from auth_svc.app import Stores, control_app
from auth_svc.attempts.memory import MemoryAttemptStore
from auth_svc.feed.memory import MemoryRevocationFeed
from auth_svc.identities import User
from auth_svc.keys.memory import MemoryKeyStore
from auth_svc.passwords import PasswordHashes
from auth_svc.revocations.memory import MemoryRevocationStore
from auth_svc.services import AuthServices
from auth_svc.sessions.memory import MemorySessionStore
from auth_svc.settings import AuthSettings, load_settings
from auth_svc.token_maker import TokenPair
from auth_svc.users.memory import MemoryUserStore
from fleetserve.clock import ManualClock
from fleetserve.runtime import ServiceRuntime, make_runtime

NOW_S = 1_800_000_000.0
PASSWORD = "correct horse battery"


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
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment with everything under a folder of the test's own."""
    return {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        "FLEETSERVE_AUTH": str(tmp_path / "auth.yaml"),
        "FLEETSERVE_LOGGING__STDOUT": "false",
        "ENABLE_AUTH": "true",
    }


@pytest.fixture
def auth_yaml() -> str:
    """What stands in auth.yaml; a test's parametrize may say something else."""
    return "registration:\n  open: true\n"


@pytest.fixture
def settings(environ: dict[str, str], auth_yaml: str, tmp_path: Path) -> AuthSettings:
    (tmp_path / "auth.yaml").write_text(auth_yaml)
    return load_settings(environ)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_S)


@pytest.fixture
def runtime(
    settings: AuthSettings, clock: ManualClock, own_logging: None
) -> Iterator[ServiceRuntime]:
    runtime = make_runtime(settings.service)
    runtime.clock = clock
    yield runtime
    runtime.sink.close()


@pytest.fixture(scope="session")
def hashes() -> PasswordHashes:
    """Real argon2, as cheap as it gets."""
    return PasswordHashes(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def feed() -> MemoryRevocationFeed:
    return MemoryRevocationFeed()


@pytest.fixture
def stores(feed: MemoryRevocationFeed) -> Stores:
    return Stores(
        users=MemoryUserStore(),
        sessions=MemorySessionStore(),
        keys=MemoryKeyStore(),
        attempts=MemoryAttemptStore(),
        revocations=MemoryRevocationStore(),
        feed=feed,
    )


@pytest.fixture
def app(
    runtime: ServiceRuntime, settings: AuthSettings, stores: Stores, hashes: PasswordHashes
) -> FastAPI:
    return control_app(runtime, settings, stores, hashes=hashes)


@pytest.fixture
def services(app: FastAPI) -> AuthServices:
    services: AuthServices = app.state.auth
    return services


@pytest.fixture
def ada(stores: Stores, hashes: PasswordHashes) -> User:
    """A user with the role of users and the password PASSWORD."""
    return add_user(stores, hashes, "Ada")


@pytest.fixture
def boss(stores: Stores, hashes: PasswordHashes) -> User:
    """A second admin beside the first."""
    return add_user(stores, hashes, "boss", role="admin")


def add_user(stores: Stores, hashes: PasswordHashes, name: str, **changed: Any) -> User:
    user = User(
        id=f"id-of-{name}",
        username=name,
        email=f"{name.lower()}@example.com",
        full_name="",
        password_hash=hashes.make(PASSWORD),
        role="user",
        created_at=NOW_S,
    )
    user = replace(user, **changed)
    stores.users.add(user)
    return user


def told(feed: MemoryRevocationFeed) -> list[str]:
    """What gateways were told is revoked."""
    return sorted(entry.text() for entry in feed.told())


@dataclass
class Client:
    """Calls the routes as somebody."""

    http: httpx.AsyncClient
    services: AuthServices

    def login(self, user: User) -> TokenPair:
        return self.services.sign_in.open_session(user)

    def as_user(self, user: User) -> dict[str, str]:
        """The headers of a new session of that user."""
        return bearer(self.login(user).access_token)


def bearer(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}


@pytest.fixture
async def client(app: FastAPI, services: AuthServices) -> AsyncIterator[Client]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://auth") as http:
        yield Client(http, services)
