"""Request bodies, held so that they can be sent again: in memory, or in a file when large."""

import asyncio
import mmap
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from fleetserve.asgi import ClientGoneError, Receive
from fleetserve.disk_room import room_to_spool
from fleetserve.errors import BadRequestError, PayloadTooLargeError, ShedError

STEP_BYTES = 64 * 1024


def _nothing() -> None:
    return


class Body:
    """A whole body: ``file`` is set for a spooled one, else it is in memory, in ``parts``.

    Parts go on as they came: to join 4 MB costs the gateway as much as to receive them.
    """

    __slots__ = ("_map", "file", "parts", "size")

    def __init__(self, data: bytes | None, file: BinaryIO | None, size: int) -> None:
        self.parts: list[bytes] = [] if data is None else [data]
        self.file = file
        self.size = size
        self._map: mmap.mmap | None = None

    @property
    def data(self) -> bytes | None:
        """All of a body in memory."""
        return bytes(self.view()) if self.file is None else None

    def head(self, length: int) -> bytes | memoryview:
        """The first bytes."""
        if self.parts and len(self.parts[0]) >= length:
            return memoryview(self.parts[0])[:length]
        return memoryview(self.view())[:length]

    def view(self) -> bytes | memoryview:
        """The bytes, without reading a spooled file into memory."""
        if len(self.parts) > 1:
            self.parts = [b"".join(self.parts)]
        if self.parts:
            return self.parts[0]
        if self._map is None and self.file is not None:
            self._map = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
        return memoryview(self._map) if self._map is not None else b""


class BodyStore:
    """Takes bodies in within bounds; the event loop's thread only.

    Args:
        folder: Where large bodies are spooled, as unlinked files.
        max_body: Bytes of one body; beyond it 413.
        spool_above: Bytes above which a body goes to a file.
        max_total: Bytes of all bodies held at one time; beyond it 503.
    """

    def __init__(self, folder: Path, *, max_body: int, spool_above: int, max_total: int) -> None:
        self._folder = folder
        self._max_body = max_body
        self._spool_above = spool_above
        self._max_total = max_total
        self._small = min(max_body, spool_above)
        self.held_bytes = 0

    async def read(
        self,
        headers: Mapping[bytes, bytes],
        receive: Receive,
        arrived: Callable[[], None] = _nothing,
    ) -> Body:
        """The whole body, counted until ``release``; ``arrived`` is told of each STEP_BYTES.

        Raises: PayloadTooLargeError, ShedError: the bounds; ClientGoneError: it broke off;
            BadRequestError: a content-length that is no number; DoesNotFitError: a full disk.
        """
        self._check_declared(headers)
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        first: bytes = message.get("body", b"")
        more: bool = message.get("more_body", False)
        if not more and len(first) <= self._small:
            if self.held_bytes + len(first) > self._max_total:
                raise self._too_many()
            self.held_bytes += len(first)
            return Body(first, None, len(first))
        return await self._read_on(first, more, receive, arrived)

    def release(self, body: Body) -> None:
        self.held_bytes -= body.size
        if body.file is not None:
            body.file.close()

    def _check_declared(self, headers: Mapping[bytes, bytes]) -> None:
        declared = headers.get(b"content-length")
        if declared is None:
            return
        if not declared.isdigit():
            raise BadRequestError("Content-Length is not a number.")
        if int(declared) > self._max_body:
            raise self._too_large()
        if self.held_bytes + int(declared) > self._max_total:
            raise self._too_many()

    @staticmethod
    def _too_many() -> ShedError:
        return ShedError("The gateway holds as many bytes of requests as it may.")

    def _too_large(self) -> PayloadTooLargeError:
        return PayloadTooLargeError(
            f"The body is over {self._max_body // 1048576} MiB; MAX_FILE_MB sets the limit."
        )

    async def _read_on(
        self, chunk: bytes, more: bool, receive: Receive, arrived: Callable[[], None]
    ) -> Body:
        parts: list[bytes] = []
        size = told = 0
        file: BinaryIO | None = None
        try:
            while True:
                size += len(chunk)
                self.held_bytes += len(chunk)
                self._check(size)
                if size - told >= STEP_BYTES:
                    told = size
                    arrived()
                parts.append(chunk)
                if size > self._spool_above:
                    file = file or self.open_spool()
                    with room_to_spool():
                        await asyncio.to_thread(file.write, b"".join(parts))
                    parts.clear()
                if not more:
                    if file is not None:
                        with room_to_spool():
                            file.flush()
                    break
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGoneError
                chunk, more = message.get("body", b""), message.get("more_body", False)
        except BaseException:
            self.held_bytes -= size
            if file is not None:
                with suppress(OSError):  # What could not be written can't be flushed either.
                    file.close()
            raise
        if file is None:
            body = Body(None, None, size)
            body.parts = parts
            return body
        return Body(None, file, size)

    def _check(self, size: int) -> None:
        if size > self._max_body:
            raise self._too_large()
        if self.held_bytes > self._max_total:
            raise self._too_many()

    def open_spool(self) -> BinaryIO:
        """A nameless file where large bodies are; from any thread. Raises: DoesNotFitError."""
        with room_to_spool():
            self._folder.mkdir(parents=True, exist_ok=True)
            file: BinaryIO = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - by release
        return file
