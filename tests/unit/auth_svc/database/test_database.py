from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from auth_svc.database.database import Database
from auth_svc.database.engine import make_engine, make_sqlite_engine
from auth_svc.database.migrate import migrate
from auth_svc.users.sql import SqlUserStore
from fleetserve.errors import UnavailableError
from tests.redis_server import free_port


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_sqlite_engine(tmp_path / "auth.db")


def insert_twice(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        connection.execute(text("INSERT INTO t VALUES (1)"))


def test_write_is_whole_or_not_at_all(engine: Engine) -> None:
    database = Database(engine)
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER PRIMARY KEY)"))
    with pytest.raises(IntegrityError):
        insert_twice(database)
    with database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar() == 0
    engine.dispose()


def test_server_that_is_away_is_a_503_that_shows_no_secret() -> None:
    engine = make_engine(f"postgresql://ada:hunter2@127.0.0.1:{free_port()}/auth")
    with pytest.raises(UnavailableError) as caught:
        SqlUserStore(Database(engine)).find("ada")
    assert caught.value.code == "database_unavailable"
    assert "hunter2" not in caught.value.detail


def test_database_without_its_tables_is_a_503_too(engine: Engine) -> None:
    users = SqlUserStore(Database(engine))
    with pytest.raises(UnavailableError):
        users.page()
    migrate(engine)
    assert users.page() == (0, [])
    engine.dispose()
