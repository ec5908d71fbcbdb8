"""The engine at its Unix socket: one connection for each call."""

import asyncio
from pathlib import Path

import httptools

from autoscaler_svc.proxy.engine.base import EngineAnswer
from autoscaler_svc.proxy.errors import EngineAwayError

MAX_ANSWER = 16 * 1024 * 1024
_BLOCK = 65_536


class SocketEngine:
    """Speaks HTTP/1.1."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def call(
        self, method: str, target: str, body: bytes = b"", *, timeout_s: float = 30.0
    ) -> EngineAnswer:
        head = [f"{method} {target} HTTP/1.1", "Host: engine", "Connection: close"]
        if body:
            head.append("Content-Type: application/json")
        if body or method == "POST":
            head.append(f"Content-Length: {len(body)}")
        request = "\r\n".join([*head, "", ""]).encode("ascii") + body
        try:
            async with asyncio.timeout(timeout_s):
                return await self._exchange(request)
        except (OSError, TimeoutError, httptools.HttpParserError) as exc:
            reason = str(exc) or type(exc).__name__
            raise EngineAwayError(f"The engine at {self._path} does not answer: {reason}") from exc

    async def _exchange(self, request: bytes) -> EngineAnswer:
        reader, writer = await asyncio.open_unix_connection(str(self._path))
        try:
            writer.write(request)
            await writer.drain()
            return await _read(reader)
        finally:
            writer.close()


class _Reading:
    """What the parser calls back."""

    def __init__(self) -> None:
        self.content_type = ""
        self.parts: list[bytes] = []
        self.size = 0
        self.done = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self.content_type = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self.parts.append(part)
        self.size += len(part)

    def on_message_complete(self) -> None:
        self.done = True


async def _read(reader: asyncio.StreamReader) -> EngineAnswer:
    reading = _Reading()
    parser = httptools.HttpResponseParser(reading)
    while not reading.done:
        data = await reader.read(_BLOCK)
        if not data:
            raise EngineAwayError("The engine's answer broke off.")
        parser.feed_data(data)
        if reading.size > MAX_ANSWER:
            raise EngineAwayError(f"The engine's answer is over {MAX_ANSWER} bytes.")
    return EngineAnswer(parser.get_status_code(), reading.content_type, b"".join(reading.parts))
