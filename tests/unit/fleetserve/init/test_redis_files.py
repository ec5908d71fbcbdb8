import subprocess
from pathlib import Path
from stat import S_IMODE

import pytest

from fleetserve.init.redis_files import (
    CONFIG_FILE,
    PASSWORD_FILE,
    hand_out_url,
    write_redis_files,
)
from fleetserve.settings import REDIS_URL_FILE
from fleetserve.supervisor.redis_server import find_redis_server


def test_password_is_made_once_and_kept(tmp_path: Path) -> None:
    first = write_redis_files(tmp_path)
    assert len(first) == 64
    assert write_redis_files(tmp_path) == first


def test_two_fleets_have_different_passwords(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert write_redis_files(tmp_path / "a") != write_redis_files(tmp_path / "b")


def test_configuration_is_renewed_around_the_kept_password(tmp_path: Path) -> None:
    password = write_redis_files(tmp_path)
    (tmp_path / CONFIG_FILE).write_text("port 1\n")
    write_redis_files(tmp_path)
    lines = (tmp_path / CONFIG_FILE).read_text().splitlines()
    assert f"requirepass {password}" in lines
    assert "appendonly yes" in lines
    assert "port 6379" in lines


@pytest.mark.parametrize("name", [CONFIG_FILE, PASSWORD_FILE])
def test_files_are_for_owner_and_group_alone(tmp_path: Path, name: str) -> None:
    write_redis_files(tmp_path)
    assert S_IMODE((tmp_path / name).stat().st_mode) == 0o640


def test_redis_takes_every_line_of_the_configuration(tmp_path: Path) -> None:
    write_redis_files(tmp_path)
    config = tmp_path / CONFIG_FILE
    lines = [line for line in config.read_text().splitlines() if not line.startswith("dir ")]
    # All lines are read before the last, which ends it.
    config.write_text("\n".join([*lines, f'dir "{tmp_path}/none"']))
    command = [find_redis_server(None), config]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Can't chdir" in ended.stdout + ended.stderr


def test_url_is_handed_out_to_each_service_for_its_eyes_only(tmp_path: Path) -> None:
    for service in ("gateway", "gpu-svc"):
        (tmp_path / service).mkdir()
    hand_out_url(tmp_path, ["gateway", "gpu-svc"], "redis://:x@redis:6379/0")
    for service in ("gateway", "gpu-svc"):
        path = tmp_path / service / REDIS_URL_FILE
        assert path.read_text() == "redis://:x@redis:6379/0\n"
        assert S_IMODE(path.stat().st_mode) == 0o600
