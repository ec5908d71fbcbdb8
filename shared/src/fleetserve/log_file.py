"""A log file that rotates by size, written by bytes."""

import errno
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import structlog

log = structlog.get_logger(__name__)


class LogFile:
    """``<folder>/<name>.jsonl`` and its rotated ``.1`` … ``.n``. Safe from any thread.

    Args:
        max_bytes: A file that would pass this is rotated first.
        keep: Rotated files kept beside the current one.
    """

    def __init__(self, folder: Path, name: str, *, max_bytes: int, keep: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.jsonl"
        self._max_bytes = max_bytes
        self._keep = keep
        self._lock = threading.Lock()
        self._file: BinaryIO = self.path.open("ab", buffering=0)
        self._torn = False

    def write(self, line: bytes) -> None:
        """Appends whole lines, newline included.

        Raises: OSError: not all of it could be written; the disk is full.
        """
        with self._lock:
            if self._file.tell() + len(line) > self._max_bytes and self._file.tell() > 0:
                self._rotate()
            if self._torn:
                line = b"\n" + line
            written = self._file.write(line)
            self._torn = self._torn if not written else written < len(line)
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._keep, 0, -1):
            older = self.path.with_suffix(f".jsonl.{number}")
            newer = self.path if number == 1 else self.path.with_suffix(f".jsonl.{number - 1}")
            if newer.exists():
                newer.replace(older)
        self._file = self.path.open("ab", buffering=0)

    def close(self) -> None:
        with self._lock:
            self._file.close()


class LogSink:
    """Where log lines go: the file, stdout, or both.

    A line must never take its caller down: what can't be written, since the disk is full, is lost,
    and how many lines that were is told once it can be written again.

    ``write_soon`` gathers lines, for those written with each request; the owner is told of the
    first by ``on_gathered`` and calls ``flush`` soon after. At most ``GATHER_BYTES`` wait.
    """

    GATHER_BYTES = 65_536

    def __init__(self, file: LogFile | None, *, stdout: bool) -> None:
        self._file = file
        self._stdout = sys.stdout.buffer if stdout else None
        self._gathered: list[bytes] = []
        self._size = 0
        self._lost = 0
        self._lock = threading.Lock()
        self.on_gathered: Callable[[], object] = lambda: None

    def write(self, line: bytes) -> None:
        self.flush()
        self._emit(line)

    def write_soon(self, line: bytes) -> None:
        with self._lock:
            self._gathered.append(line)
            self._size += len(line)
            first, full = len(self._gathered) == 1, self._size >= self.GATHER_BYTES
        if full:
            self.flush()
        elif first:
            self.on_gathered()

    def flush(self) -> None:
        with self._lock:
            lines, self._gathered, self._size = self._gathered, [], 0
        if lines:
            self._emit(b"".join(lines))

    def close(self) -> None:
        """Flushes and closes the file; nothing can be written afterwards."""
        self.flush()
        if self._file is not None:
            self._file.close()

    def _emit(self, data: bytes) -> None:
        if self._stdout is not None:
            with suppress(OSError):
                self._stdout.write(data)
                self._stdout.flush()
        if self._file is None:
            return
        try:
            self._file.write(data)
        except OSError:
            self._lost += data.count(b"\n")
            return
        lost, self._lost = self._lost, 0
        if lost:
            log.warning("log.lines_lost", lines=lost)
