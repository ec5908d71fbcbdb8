"""The files of jobs: a folder each, with what was sent, and what came of it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from fleetserve.disk_room import full_disk_as
from fleetserve.errors import NotFoundError

BODY = "body"
WEBHOOK = "webhook.json"
_RESULT = "result."


@dataclass(frozen=True, slots=True)
class FolderInfo:
    """A job's folder; ``modified_s`` is when a file in it came or went, in epoch seconds."""

    name: str
    job_id: str
    bytes: int
    modified_s: float


class JobFiles:
    """Blocking; safe from several threads and processes.

    Every claim of a job writes a result of its own, named by the claim's fence, so that an owner
    who lost its lease can't write into its successor's.

    Args:
        root: The jobs volume; made if it is missing.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self, job_id: str) -> str:
        """A new folder, and its name; several of one job may be made, of which one is kept.

        Raises: DoesNotFitError: the volume is full.
        """
        name = f"{job_id}.{token_hex(6)}"
        with room_on_disk():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._root / name).mkdir(mode=0o700)
        return name

    def body(self, folder: str) -> Path:
        return self._root / folder / BODY

    def webhook(self, folder: str) -> Path:
        """Where to tell of the end; there until it was told."""
        return self._root / folder / WEBHOOK

    def result(self, folder: str, file: str) -> Path:
        return self._root / folder / file

    def new_result(self, folder: str, fence: int) -> Path:
        """The file that the claim of that fence writes its result to, made empty."""
        path = self._root / folder / f"{_RESULT}{fence}"
        path.touch(mode=0o600)
        return path

    def earlier_result(self, folder: str, fence: int) -> Path | None:
        """The most that a claim before this one has written, if there is anything."""
        found = [
            self._root / folder / f"{_RESULT}{number}"
            for number in self._fences(folder)
            if number < fence
        ]
        return max(found, key=lambda path: path.stat().st_size, default=None)

    def keep_result_only(self, folder: str, file: str) -> None:
        """Drops what a finished job needs no more."""
        for name in (BODY, *(f"{_RESULT}{number}" for number in self._fences(folder))):
            if name != file:
                (self._root / folder / name).unlink(missing_ok=True)

    def remove(self, folder: str) -> None:
        """Removes the folder; one that is gone is no error."""
        shutil.rmtree(self._root / folder, ignore_errors=True)

    def folders(self) -> list[FolderInfo]:
        """Every job's folder, the least recently changed first."""
        return sorted(self._folders(), key=lambda info: info.modified_s)

    def used_bytes(self) -> int:
        return sum(info.bytes for info in self._folders())

    def _folders(self) -> Iterator[FolderInfo]:
        try:
            entries = list(os.scandir(self._root))
        except FileNotFoundError:
            return
        for entry in entries:
            job_id, dot, _ = entry.name.rpartition(".")
            if not dot or not entry.is_dir(follow_symlinks=False):
                continue
            try:
                size = sum(file.stat().st_size for file in os.scandir(entry.path))
                yield FolderInfo(entry.name, job_id, size, entry.stat().st_mtime)
            except FileNotFoundError:
                continue

    def _fences(self, folder: str) -> list[int]:
        try:
            names = [path.name for path in (self._root / folder).iterdir()]
        except FileNotFoundError:
            return []
        numbers = (name.removeprefix(_RESULT) for name in names if name.startswith(_RESULT))
        return [int(number) for number in numbers if number.isdigit()]


class BodyGoneError(NotFoundError):
    """A job's folder lost what was sent: somebody emptied the volume."""

    default_code = "body_gone"

    def __init__(self) -> None:
        super().__init__("What was sent is gone from the jobs volume.")


def room_on_disk() -> AbstractContextManager[None]:
    """Raises: DoesNotFitError: what is written inside finds the volume full."""
    return full_disk_as(
        "The jobs volume is full. Try again when older results are gone.", "jobs_volume_full"
    )
