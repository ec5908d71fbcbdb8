import os
import stat
from pathlib import Path

import pytest

from fleetserve.supervisor.errors import SupervisorError
from fleetserve.supervisor.home import (
    ENGINE_FILE,
    LOCK_FILE,
    FleetRecord,
    claim_home,
    read_fleet_record,
)
from fleetserve.supervisor.settings import SupervisorSettings
from tests.unit.fleetserve.supervisor.conftest import MakeSettings

RECORD = FleetRecord(pid=4711, gateway="http://127.0.0.1:8000")


def test_folders_are_made_for_their_owner_only(settings: SupervisorSettings) -> None:
    with claim_home(settings, RECORD):
        for name in ("", "models", "logs", "jobs", "data", "cache", "secrets", "run", "redis"):
            assert stat.S_IMODE((settings.home / name).stat().st_mode) == 0o700


def test_folders_may_lie_elsewhere(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings(FLEETSERVE_MODELS_DIR=str(tmp_path / "big disk" / "models"))
    with claim_home(settings, RECORD):
        assert (tmp_path / "big disk" / "models").is_dir()


def test_home_in_use_is_refused_with_who_uses_it(settings: SupervisorSettings) -> None:
    with (
        claim_home(settings, RECORD),
        pytest.raises(SupervisorError, match=r"pid 4711, http://127\.0\.0\.1:8000.*PORT=8001"),
        claim_home(settings, RECORD),
    ):
        pass


def test_home_can_be_used_again(settings: SupervisorSettings) -> None:
    for _ in range(2):
        with claim_home(settings, RECORD) as home:
            assert not home.unclean


def test_lock_of_a_dead_fleet_is_taken_over_and_known(settings: SupervisorSettings) -> None:
    settings.home.mkdir()
    (settings.home / LOCK_FILE).write_text('{"pid":1}')
    with claim_home(settings, RECORD) as home:
        assert home.unclean
        assert read_fleet_record(settings.home / LOCK_FILE) == RECORD


def test_what_a_dead_fleet_announced_is_forgotten(settings: SupervisorSettings) -> None:
    run = settings.home / "run"
    run.mkdir(parents=True)
    (run / "abc").write_text("http://127.0.0.1:9\n")
    with claim_home(settings, RECORD):
        assert list(run.iterdir()) == []


def test_engine_file_is_private_and_gone_at_the_end(settings: SupervisorSettings) -> None:
    path = settings.home / ENGINE_FILE
    with claim_home(settings, RECORD) as home:
        home.describe(FleetRecord(os.getpid(), "http://g", "/tmp/e.sock", 5.0))
        record = read_fleet_record(path)
        assert record is not None
        assert record.engine_socket == "/tmp/e.sock"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_folder_that_cannot_be_made_is_one_clear_line(make_settings: MakeSettings) -> None:
    settings = make_settings(FLEETSERVE_HOME="/proc/nothing/here")
    with (
        pytest.raises(SupervisorError, match="FLEETSERVE_HOME names another folder"),
        claim_home(settings, RECORD),
    ):
        pass


@pytest.mark.parametrize("content", ["", "{", '{"pid":"x"}'])
def test_record_that_says_nothing_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "engine.json"
    path.write_text(content)
    assert read_fleet_record(path) is None
    assert read_fleet_record(tmp_path / "missing") is None


def test_home_that_can_not_be_written_is_one_clear_line(settings: SupervisorSettings) -> None:
    with claim_home(settings, RECORD) as home:
        (settings.home / f"{ENGINE_FILE}.new").mkdir()
        with pytest.raises(SupervisorError, match=r"engine\.json\.new can't be used: Is a dir"):
            home.describe(RECORD)
