"""Room on the models volume: how much there is, how much a folder takes."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from fleetserve.errors import DoesNotFitError

MIB = 1024 * 1024

FreeBytes = Callable[[Path], int]


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written on the volume of a folder, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below it; a file that goes away meanwhile does not count."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def check_room(folder: Path, needed: int, keep_free: int, free: FreeBytes = free_bytes) -> None:
    """Returns if ``needed`` more bytes fit and ``keep_free`` stay free.

    Raises: DoesNotFitError: with all the numbers.
    """
    available = free(folder) - keep_free
    if needed <= available:
        return
    raise DoesNotFitError(
        f"{_mib(needed)} MiB are to be written and {_mib(max(available, 0))} MiB are free on the "
        f"models volume ({_mib(keep_free)} MiB stay reserved: models.min_free_mib). "
        "DELETE /models/download/{name} frees room.",
        code="no_disk_room",
        extra={"needed_bytes": needed, "available_bytes": max(available, 0)},
    )


def remove_folder(folder: Path, trash: Path) -> int:
    """Removes a folder so that it is gone at once, then deletes it; returns the bytes freed."""
    if not folder.exists():
        return 0
    freed = folder_bytes(folder)
    trash.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(trash, ignore_errors=True)
    folder.rename(trash)
    shutil.rmtree(trash, ignore_errors=True)
    return freed


def _mib(count: int) -> int:
    return -(-count // MIB)
