"""What a child prints: the last of it in memory, all of it in a file of bounded size."""

import contextlib
from collections import deque
from pathlib import Path

RING_BYTES = 64 * 1024
FILE_BYTES = 5 * 1024 * 1024


class OutputRing:
    """The last bytes of an output, at most ``limit`` of them.

    Children are told to log to their own files, so what comes here is rare: tracebacks,
    warnings, a library that prints.
    """

    def __init__(self, limit: int = RING_BYTES) -> None:
        self._limit = limit
        self._chunks: deque[bytes] = deque()
        self._size = 0

    def write(self, data: bytes) -> None:
        self._chunks.append(data[-self._limit :])
        self._size += len(self._chunks[-1])
        while self._size - len(self._chunks[0]) >= self._limit:
            self._size -= len(self._chunks.popleft())

    def tail(self, lines: int) -> list[str]:
        """The last lines, without their ends and without the empty ones at the end."""
        data = b"".join(self._chunks)[-self._limit :]
        text = data.decode("utf-8", "replace").rstrip()
        return text.splitlines()[-lines:] if lines > 0 else []


class OutputFile:
    """``<logs>/<service>.out``, and one older ``.out.1`` beside it.

    Opened for each write: output is rare, and no handle outlives a rotation by another
    process of the same service. A full disk loses output, it does not stop a fleet.
    """

    def __init__(self, path: Path, limit: int = FILE_BYTES) -> None:
        self._path = path
        self._limit = limit

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            if self._path.exists() and self._path.stat().st_size > self._limit:
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            with self._path.open("ab") as file:
                file.write(data)
