from pathlib import Path

import pytest

from fleetserve.errors import DoesNotFitError
from model_registry_svc.disk import (
    MIB,
    check_room,
    folder_bytes,
    free_bytes,
    remove_folder,
)


def test_free_room_of_a_folder_that_is_not_there_is_its_volumes(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") > 0


def test_all_files_below_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"x" * 10)
    (tmp_path / "y").write_bytes(b"y" * 5)
    assert folder_bytes(tmp_path) == 15
    assert folder_bytes(tmp_path / "none") == 0


def test_what_fits_is_let_through(tmp_path: Path) -> None:
    check_room(tmp_path, 100, 50, lambda _: 150)


def test_what_does_not_fit_is_told_with_numbers(tmp_path: Path) -> None:
    with pytest.raises(
        DoesNotFitError, match="3 MiB are to be written and 2 MiB are free"
    ) as caught:
        check_room(tmp_path, 3 * MIB, MIB, lambda _: 3 * MIB)
    assert caught.value.code == "no_disk_room"
    assert caught.value.extra == {"needed_bytes": 3 * MIB, "available_bytes": 2 * MIB}


def test_removed_folder_frees_its_bytes_and_leaves_no_trash(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "x").write_bytes(b"x" * 10)
    assert remove_folder(tmp_path / "m", tmp_path / "trash" / "1") == 10
    assert remove_folder(tmp_path / "m", tmp_path / "trash" / "1") == 0
    assert folder_bytes(tmp_path) == 0
