import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from auth_svc.database.engine import POSTGRES_DRIVER, make_engine, make_sqlite_engine
from fleetserve.config_sections import SettingsError


def test_sqlite_file_is_private_and_in_a_folder_of_any_name(tmp_path: Path) -> None:
    path = tmp_path / "a folder? #1 50%" / "auth.db"
    engine = make_sqlite_engine(path)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    engine.dispose()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_sqlite_can_be_named_by_url(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'auth.db'}")
    assert engine.dialect.name == "sqlite"
    engine.dispose()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", POSTGRES_DRIVER])
def test_postgresql_is_reached_by_its_usual_urls(scheme: str) -> None:
    engine = make_engine(f"{scheme}://ada:secret@db.example:5433/auth")
    assert engine.dialect.name == "postgresql"
    assert engine.url.drivername == POSTGRES_DRIVER
    assert (engine.url.host, engine.url.port, engine.url.database) == ("db.example", 5433, "auth")


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "sqlite://", "u:hunter2@h", ""])
def test_another_database_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_engine(url)
    assert "AUTH_DATABASE_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)
