"""Brings the database's schema up to date, at each start."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, inspect, text

log = structlog.get_logger(__name__)

# The newest file of migrations/versions; a test holds them together. Alembic costs 0.1 s and
# 10 MiB to import, which a start that has nothing to migrate need not pay.
HEAD = "0001"
_POSTGRES_LOCK = 0x666C656574
_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Returns when the schema is HEAD. Several processes may call it at once; one does it."""
    with _alone(engine) as connection:
        before = current_revision(connection)
        if before == HEAD:
            return
        _upgrade(connection)
        connection.commit()
        log.info("database.migrated", before=before, now=HEAD)


def current_revision(connection: Connection) -> str | None:
    """The schema's revision; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found is not None else None


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    # A percent sign in the path would be taken for an interpolation.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextlib.contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """Holds the others off until the end; a process that dies lets go."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text(f"SELECT pg_advisory_lock({_POSTGRES_LOCK})"))
            try:
                yield connection
            finally:
                connection.rollback()
                connection.execute(text(f"SELECT pg_advisory_unlock({_POSTGRES_LOCK})"))
                connection.commit()
        return
    path = Path(str(engine.url.database) + ".migrating")
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only now: whoever switches a new file to WAL beside another is refused at once, for
        # SQLite's busy timeout does not hold there.
        with engine.connect() as connection:
            yield connection
