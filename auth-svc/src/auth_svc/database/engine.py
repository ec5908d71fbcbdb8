"""Connections to SQLite (the default) or PostgreSQL."""

from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from fleetserve.config_sections import SettingsError

POSTGRES_DRIVER = "postgresql+pg8000"
BUSY_S = 5


def make_engine(url: str) -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql://…``.

    Raises: SettingsError: another kind of database, or not a URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError("AUTH_DATABASE_URL: this is not a database URL") from None
    if parsed.drivername in {"postgres", "postgresql", POSTGRES_DRIVER}:
        # The pool checks a connection before it is used, so that a restarted server costs nobody.
        return create_engine(
            parsed.set(drivername=POSTGRES_DRIVER), pool_pre_ping=True, pool_timeout=BUSY_S
        )
    if parsed.drivername != "sqlite" or not parsed.database:
        raise SettingsError(
            f"AUTH_DATABASE_URL: {parsed.drivername} is not supported; allowed: "
            "sqlite:///path/of/file, postgresql://user:password@host/name"
        )
    return make_sqlite_engine(Path(parsed.database))


def make_sqlite_engine(path: Path) -> Engine:
    """An engine for a file of mode 0600, made if it is not there."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": BUSY_S},
        pool_timeout=BUSY_S,
    )
    event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: SqliteConnection, _: ConnectionPoolEntry | Any) -> None:
    """Readers beside a writer, cascades, and nothing lost with the power."""
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").close()
