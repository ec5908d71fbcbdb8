import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from auth_svc.database import migrate as module
from auth_svc.database.engine import make_sqlite_engine
from auth_svc.database.migrate import HEAD, current_revision, migrate
from auth_svc.database.tables import metadata


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_sqlite_engine(tmp_path / "auth.db")


def test_empty_database_gets_the_newest_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        assert current_revision(connection) is None
    migrate(engine)
    with engine.connect() as connection:
        assert current_revision(connection) == HEAD
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_migrations_lead_to_the_tables_of_the_code(engine: Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_head_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(module._SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_second_start_changes_nothing_and_does_without_alembic(
    engine: Engine, tmp_path: Path
) -> None:
    migrate(engine)
    program = (
        "import sys; from pathlib import Path\n"
        "from auth_svc.database.engine import make_sqlite_engine\n"
        "from auth_svc.database.migrate import migrate\n"
        "migrate(make_sqlite_engine(Path(sys.argv[1])))\n"
        "assert 'alembic' not in sys.modules\n"
    )
    path = str(tmp_path / "auth.db")
    subprocess.run([sys.executable, "-c", program, path], check=True, timeout=60)


def test_many_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    def start(_: int) -> None:
        engine = make_sqlite_engine(tmp_path / "auth.db")
        migrate(engine)
        engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(start, range(4)))
    with make_sqlite_engine(tmp_path / "auth.db").connect() as connection:
        assert current_revision(connection) == HEAD


def test_each_migration_can_be_undone(engine: Engine) -> None:
    from alembic import command

    migrate(engine)
    config = Config()
    config.set_main_option("script_location", str(module._SCRIPTS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
