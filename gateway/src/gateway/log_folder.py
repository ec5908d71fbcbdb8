"""The files of the logs volume: which there are, their lines, emptying one."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from fleetserve.audit_log import AUDIT_FILE
from fleetserve.errors import BadRequestError, ForbiddenError, NotFoundError

LEVELS = ("debug", "info", "warning", "error", "critical")
BLOCK = 65_536
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_LOG_NAME = re.compile(r".+\.(jsonl|out)(\.\d+)?")
_PROCESS_NUMBER = re.compile(r"-(\d+|[0-9a-f]{8,})$")


class _Line(msgspec.Struct):
    level: str = "info"
    request_id: str = ""


_decode = msgspec.json.Decoder(_Line).decode


@dataclass(frozen=True, slots=True)
class LogFileInfo:
    name: str
    service: str
    size_bytes: int
    line_count: int
    last_modified: str


@dataclass(frozen=True, slots=True)
class LineFilter:
    """``level`` is the lowest one wanted; empty fields match everything."""

    level: str = ""
    request_id: str = ""

    def matches(self, line: bytes) -> bool:
        if not self.level and not self.request_id:
            return True
        try:
            parsed = _decode(line)
        except msgspec.MsgspecError:
            return False
        if self.request_id and parsed.request_id != self.request_id:
            return False
        return not self.level or _rank(parsed.level) >= _rank(self.level)


class LogFolder:
    """Blocking file work: call it in a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._counted: dict[str, tuple[int, float, int]] = {}

    def files(self) -> list[LogFileInfo]:
        if not self.folder.is_dir():
            return []
        names = sorted(p.name for p in self.folder.iterdir() if _LOG_NAME.fullmatch(p.name))
        return [self.info(name) for name in names]

    def info(self, name: str) -> LogFileInfo:
        """Raises: BadRequestError: no name of a log file; NotFoundError: no such file."""
        path = self._path(name)
        stat = path.stat()
        modified = datetime.fromtimestamp(stat.st_mtime, UTC).isoformat(timespec="seconds")
        lines = self._line_count(path, stat.st_size, stat.st_mtime)
        return LogFileInfo(name, _service_of(name), stat.st_size, lines, modified)

    def lines(self, name: str, count: int, wanted: LineFilter, *, from_end: bool) -> list[bytes]:
        """Up to ``count`` matching lines in the file's order, without their newlines."""
        path = self._path(name)
        source = _backwards(path) if from_end else _forwards(path)
        found: list[bytes] = []
        for line in source:
            if wanted.matches(line):
                found.append(line)
                if len(found) == count:
                    break
        return found[::-1] if from_end else found

    def truncate(self, name: str) -> int:
        """Empties a file; its writers append on. Returns the bytes freed.

        Raises: ForbiddenError: the audit log, which stays.
        """
        path = self._path(name)
        if name.startswith(AUDIT_FILE):
            raise ForbiddenError("The audit log can't be cleared.", code="audit_log_kept")
        size = path.stat().st_size
        os.truncate(path, 0)
        return size

    def follower(self, name: str, wanted: LineFilter) -> Callable[[], list[bytes]]:
        """A function that returns the matching lines that came since its last call."""
        path = self._path(name)
        position = path.stat().st_size
        rest = b""

        def news() -> list[bytes]:
            nonlocal position, rest
            size = path.stat().st_size if path.exists() else 0
            if size < position:  # Truncated or rotated: it begins anew.
                position, rest = 0, b""
            if size == position:
                return []
            with path.open("rb") as file:
                file.seek(position)
                data = rest + file.read(size - position)
            position = size
            *whole, rest = data.split(b"\n")
            return [line for line in whole if wanted.matches(line)]

        return news

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name) or not _LOG_NAME.fullmatch(name):
            raise BadRequestError(
                f"{name!r} is not the name of a log file; GET /logs lists them.",
                code="bad_log_name",
            )
        path = self.folder / name
        if path.is_symlink() or not path.is_file():
            raise NotFoundError(f"There is no log file {name}; GET /logs lists them.")
        return path

    def _line_count(self, path: Path, size: int, modified_s: float) -> int:
        """Counted once per state of the file."""
        known = self._counted.get(path.name)
        if known is not None and known[:2] == (size, modified_s):
            return known[2]
        with path.open("rb") as file:
            count = sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b""))
        self._counted[path.name] = (size, modified_s, count)
        return count


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 1


def _service_of(name: str) -> str:
    """The service from a file's name: its process's id without the number at its end."""
    return _PROCESS_NUMBER.sub("", name.split(".", 1)[0])


def _forwards(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


def _backwards(path: Path) -> Iterator[bytes]:
    """Lines from the last to the first, reading blocks from the end."""
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        rest = b""
        while position > 0:
            size = min(BLOCK, position)
            position -= size
            file.seek(position)
            rest, *lines = (file.read(size) + rest).split(b"\n")
            yield from (line for line in reversed(lines) if line)
        if rest:
            yield rest
