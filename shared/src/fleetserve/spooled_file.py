"""Bytes that are too many for memory, in a file without a name."""

import io
import mmap
import os
import tempfile
import weakref
from pathlib import Path
from typing import Any, BinaryIO

from fleetserve.disk_room import room_to_spool


class SpooledFile:
    """A file that is gone with the last who holds it; nothing has to be closed.

    Threads: one writes; then any read, each by a reader of its own.

    Raises: DoesNotFitError: the disk is full.

    Attributes:
        folder: Where it is.
        size: Bytes written so far.
    """

    def __init__(self, folder: Path) -> None:
        with room_to_spool():
            folder.mkdir(parents=True, exist_ok=True)
            self._descriptor, path = tempfile.mkstemp(dir=folder)
        self.folder = folder
        weakref.finalize(self, os.close, self._descriptor)
        Path(path).unlink()
        self.size = 0

    def __len__(self) -> int:
        return self.size

    def write(self, data: bytes | memoryview) -> None:
        """Appends. Raises: DoesNotFitError: the disk is full."""
        rest = memoryview(data)
        while len(rest):
            with room_to_spool():
                written = os.pwrite(self._descriptor, rest, self.size)
            self.size += written
            rest = rest[written:]

    def read_at(self, place: int, count: int) -> bytes:
        """Fewer than ``count`` bytes only at the end."""
        return os.pread(self._descriptor, count, place)

    def open(self, *, head: bytes = b"", skip: int = 0) -> BinaryIO:
        """A reader with a place of its own: ``head``, then the file without its first bytes."""
        return io.BufferedReader(_Reader(self, head, skip))

    def map(self) -> mmap.mmap:
        """To look at here and there; for the caller to close. Raises: ValueError: it is empty."""
        return mmap.mmap(self._descriptor, self.size, access=mmap.ACCESS_READ)


class _Reader(io.RawIOBase):
    def __init__(self, file: SpooledFile, head: bytes, skip: int) -> None:
        self._file = file
        self._head = head
        self._skip = skip
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        end = len(self._head) + self._file.size - self._skip
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: end}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer: Any) -> int:
        count = len(buffer)
        data = self._head[self._place : self._place + count]
        if not data:
            data = self._file.read_at(self._place - len(self._head) + self._skip, count)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
