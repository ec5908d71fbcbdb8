import socket
import stat
from pathlib import Path

import pytest

from fleetserve.supervisor.engine_socket import listening_socket


@pytest.fixture
def runtime_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("r")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_socket_and_folder_are_private_and_gone_afterwards(
    tmp_path: Path, runtime_dir: Path
) -> None:
    with listening_socket(tmp_path, runtime_dir) as listener:
        path = Path(listener.getsockname())
        assert path.is_relative_to(runtime_dir)
        assert (mode(path), mode(path.parent)) == (0o600, 0o700)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
    assert not path.parent.exists()


def test_same_home_has_the_same_path_and_another_home_another(
    tmp_path: Path, runtime_dir: Path
) -> None:
    paths = []
    for home in (tmp_path / "a", tmp_path / "a", tmp_path / "b"):
        with listening_socket(home, runtime_dir) as listener:
            paths.append(listener.getsockname())
    assert paths[0] == paths[1] != paths[2]


def test_socket_of_a_dead_fleet_is_taken_over(tmp_path: Path, runtime_dir: Path) -> None:
    with listening_socket(tmp_path, runtime_dir) as listener:
        path = Path(listener.getsockname())
    path.parent.mkdir(mode=0o700)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    with listening_socket(tmp_path, runtime_dir) as listener:
        assert listener.getsockname() == str(path)


def test_path_stays_short_where_folders_are_deep(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    with listening_socket(deep, deep) as listener:
        assert len(listener.getsockname()) < 100


def test_folder_that_others_can_enter_is_not_used(tmp_path: Path, runtime_dir: Path) -> None:
    with listening_socket(tmp_path, runtime_dir) as listener:
        folder = Path(listener.getsockname()).parent
    folder.mkdir()
    folder.chmod(0o755)
    with listening_socket(tmp_path, runtime_dir) as listener:
        found = Path(listener.getsockname()).parent
        assert found != folder
        assert mode(found) == 0o700


def test_link_that_somebody_put_there_is_not_followed(tmp_path: Path, runtime_dir: Path) -> None:
    with listening_socket(tmp_path, runtime_dir) as listener:
        folder = Path(listener.getsockname()).parent
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    folder.symlink_to(elsewhere)
    with listening_socket(tmp_path, runtime_dir) as listener:
        assert Path(listener.getsockname()).parent != folder
        assert list(elsewhere.iterdir()) == []


def test_without_a_runtime_folder_the_temporary_one_serves(tmp_path: Path) -> None:
    with listening_socket(tmp_path, None) as listener:
        assert "fleetserve-" in listener.getsockname()
