"""Every adapter's stores: in memory, in SQLite, and in PostgreSQL where it is installed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from auth_svc.attempts.base import AttemptStore
from auth_svc.attempts.memory import MemoryAttemptStore
from auth_svc.attempts.sql import SqlAttemptStore
from auth_svc.database.database import Database
from auth_svc.database.engine import make_engine, make_sqlite_engine
from auth_svc.database.migrate import migrate
from auth_svc.database.tables import metadata
from auth_svc.identities import User
from auth_svc.keys.base import KeyStore
from auth_svc.keys.memory import MemoryKeyStore
from auth_svc.keys.sql import SqlKeyStore
from auth_svc.revocations.base import RevocationStore
from auth_svc.revocations.memory import MemoryRevocationStore
from auth_svc.revocations.sql import SqlRevocationStore
from auth_svc.sessions.base import SessionStore
from auth_svc.sessions.memory import MemorySessionStore
from auth_svc.sessions.sql import SqlSessionStore
from auth_svc.users.base import UserStore
from auth_svc.users.memory import MemoryUserStore
from auth_svc.users.sql import SqlUserStore
from tests.postgres_server import PostgresServer, programs_folder


@dataclass(frozen=True)
class Stores:
    users: UserStore
    sessions: SessionStore
    keys: KeyStore
    attempts: AttemptStore
    revocations: RevocationStore


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    programs = programs_folder()
    if programs is None:
        pytest.skip("PostgreSQL is not installed here")
    with PostgresServer(programs) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> str:
    """A database whose tables are there and empty before each use of ``stores``."""
    url = postgres.new_database()
    engine = make_engine(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    if request.param == "memory":
        yield Stores(
            MemoryUserStore(),
            MemorySessionStore(),
            MemoryKeyStore(),
            MemoryAttemptStore(),
            MemoryRevocationStore(),
        )
        return
    if request.param == "sqlite":
        engine = make_sqlite_engine(tmp_path / "a folder" / "auth.db")
    else:
        engine = make_engine(request.getfixturevalue("postgres_url"))
        with engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
    migrate(engine)
    database = Database(engine)
    yield Stores(
        SqlUserStore(database),
        SqlSessionStore(database),
        SqlKeyStore(database),
        SqlAttemptStore(database),
        SqlRevocationStore(database),
    )
    engine.dispose()


def make_user(name: str = "Ada", **changed: object) -> User:
    values: dict[str, object] = {
        "id": f"id-of-{name}",
        "username": name,
        "email": f"{name.lower()}@example.com",
        "full_name": "Ada Lovelace",
        "password_hash": "$argon2id$…",
        "role": "user",
        "created_at": 1_800_000_000.125,
    }
    return User(**(values | changed))  # type: ignore[arg-type]
