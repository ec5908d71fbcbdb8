"""One HTTP/1.1 connection to a replica: one exchange at a time, then back to its pool."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO, cast

import httptools

from gateway.upstream.base import BrokenAnswerError, RawHeaders, UpstreamFailedError

# Unread bytes of an answer at which reading from the socket pauses.
HIGH_WATER = 1024 * 1024


class Http11Answer:
    """An exchange on a connection; the head is there once ``head`` has returned."""

    __slots__ = (
        "_chunks", "_complete", "_connection", "_failure", "_pending", "_waiter",
        "headers", "keep_alive", "started", "status",
    )  # fmt: skip

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._chunks: deque[bytes] = deque()
        self._pending = 0
        self._waiter: asyncio.Future[None] | None = None
        self._failure: str | None = None
        self._complete = False
        self.started = False
        self.keep_alive = False
        self.status = 0
        self.headers: RawHeaders = []

    async def head(self) -> None:
        """Returns once status and headers are there. Raises: UpstreamFailedError."""
        while not self.started:
            if self._failure is not None:
                raise UpstreamFailedError(self._failure, sent=True)
            await self._change()

    async def read(self) -> bytes:
        while not self._complete:
            if self._failure is not None:
                raise BrokenAnswerError(self._failure)
            self._connection.resume()
            await self._change()
        chunks, self._pending = self._chunks, 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def chunks(self) -> AsyncIterator[bytes]:
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                self._pending -= len(chunk)
                yield chunk
            if self._complete:
                return
            if self._failure is not None:
                raise BrokenAnswerError(self._failure)
            self._connection.resume()
            await self._change()

    def close(self) -> None:
        if self._complete and self.keep_alive:
            self._connection.finish(self)
        else:
            self._connection.abort()

    async def _change(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What the connection tells.

    def began(self, status: int) -> None:
        self.status = status
        self.started = True

    def arrived(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._pending += len(chunk)
        if self._pending > HIGH_WATER:
            self._connection.pause()

    def completed(self, *, keep_alive: bool) -> None:
        self._complete = True
        self.keep_alive = keep_alive

    def overran(self) -> bool:
        """Something comes after the answer's end, so the connection can't be trusted."""
        if self._complete:
            self.keep_alive = False
        return self._complete

    def failed(self, reason: str) -> None:
        if not self._complete:
            self._failure = reason
        self._wake()

    def data_taken(self) -> None:
        """All callbacks of one piece of data are through: one wake-up for them together."""
        if self.started:
            self._wake()


class Connection(asyncio.Protocol):
    """``released`` is called with it when it can carry the next exchange, ``lost`` at its end."""

    def __init__(
        self, released: Callable[["Connection"], None], lost: Callable[["Connection"], None]
    ) -> None:
        self._released = released
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answer: Http11Answer | None = None
        # Kept over exchanges: each ends with its message, or with the connection.
        self._parser = httptools.HttpResponseParser(self)
        self._method = ""
        self._closed = False
        self._paused = False
        self._used_s = 0.0
        self._writable: asyncio.Future[None] | None = None
        self._full = False
        self._sending = False

    def begin(self, method: str, head: bytes, parts: list[bytes]) -> Http11Answer:
        """Sends a request's head and, where it is in memory, its body.

        Raises: UpstreamFailedError: the connection is closed already; nothing was sent.
        """
        if self._transport is None or not self._is_open:
            raise UpstreamFailedError("the connection was closed", sent=False)
        answer = self._answer = Http11Answer(self)
        self._method = method
        if not parts:
            self._transport.write(head)
        elif len(parts) == 1 and len(parts[0]) <= 65_536:
            self._transport.write(head + parts[0])
        else:
            self._transport.writelines([head, *parts])
        return answer

    async def write_file(self, file: BinaryIO, size: int, chunk_size: int) -> None:
        """Sends a spooled body; stops when an answer or an end comes before its end.

        A connection that was promised more bytes than it got would take the next request for
        them, so it is not used again.
        """
        assert self._transport is not None
        position = 0
        self._sending = True
        while position < size:
            chunk = await asyncio.to_thread(_read_at, file, position, chunk_size)
            if not self._awaits_answer:
                return
            self._transport.write(chunk)
            position += len(chunk)
            if self._full:
                self._writable = self._loop.create_future()
                await self._writable
        self._sending = False

    @property
    def _awaits_answer(self) -> bool:
        return self._answer is not None and not self._answer.started and self._is_open

    @property
    def _is_open(self) -> bool:
        # uvloop's transports raise on a write between their end and connection_lost.
        return not self._closed and self._transport is not None and not self._transport.is_closing()

    def usable(self, oldest_s: float) -> bool:
        return self._is_open and self._used_s > oldest_s

    def finish(self, answer: Http11Answer) -> None:
        """The exchange is over; the connection goes back to its pool."""
        if self._answer is not answer or self._closed:
            return
        if self._sending:
            self.abort()
            return
        self._answer = None
        self._used_s = self._loop.time()
        self.resume()
        self._released(self)

    def abort(self) -> None:
        self._closed = True
        self._answer = None
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            answer.failed(f"not HTTP: {exc}")
            self.abort()
            return
        answer.data_taken()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self.resume_writing()
        if self._answer is not None:
            self._answer.failed(str(exc) if exc else "the connection was closed")
        self._lost(self)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake_writer()

    def _wake_writer(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    # httptools

    def on_message_begin(self) -> None:
        if self._answer is not None and self._answer.overran():
            self._answer = None

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._answer is not None:
            self._answer.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._answer is None:
            return
        status = self._parser.get_status_code()
        if status < 200:
            self._answer.headers.clear()
            return
        self._answer.began(status)
        self._wake_writer()
        if self._method == "HEAD":
            # The parser waits for a body that won't come, so the connection is not kept.
            self._answer.completed(keep_alive=False)

    def on_body(self, chunk: bytes) -> None:
        if self._answer is not None:
            self._answer.arrived(chunk)

    def on_message_complete(self) -> None:
        if self._answer is not None and self._answer.started:
            self._answer.completed(keep_alive=self._parser.should_keep_alive())


def _read_at(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    return file.read(size)
