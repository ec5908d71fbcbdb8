"""An HTTP server of a few lines that does exactly what a test tells it, faults included."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from fleetserve.unix_door import open_door

PATIENCE_S = 10.0


@dataclass
class ServerExchange:
    """One request as the server got it, and the connection to answer on.

    Attributes:
        connection: Which of the server's connections it came on, from 1.
        body: Read already unless the server leaves bodies alone.
    """

    connection: int
    method: str
    target: str
    headers: list[tuple[str, str]]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    body: bytes = b""

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    def reset(self) -> None:
        """The other side sees a reset, not an end."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def until_left(self) -> None:
        """Returns when the other side has closed the connection; what it still sends is lost."""
        try:
            while await self.reader.read(65_536):
                pass
        except ConnectionError:
            return


Script = Callable[[ServerExchange], Awaitable[None]]


@dataclass
class ScriptedServer:
    """Plays the script for each request; the connection is kept until the script ends it.

    ``unix_door``: it is reached through a Unix socket beside its port, and not by the port.
    """

    script: Script
    unix_door: bool = False
    read_bodies: bool = True
    exchanges: list[ServerExchange] = field(default_factory=list)
    connections: int = 0
    closed: int = 0
    address: str = ""
    _server: asyncio.Server | None = None
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        if self.unix_door:
            self._server.close()
            door = open_door("127.0.0.1", port, 100)
            self._server = await asyncio.start_unix_server(self._connected, sock=door)
        self.address = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stop_listening(self) -> None:
        assert self._server is not None
        self._server.close()

    async def until(self, met: Callable[[], bool]) -> None:
        """Returns once it holds; looked at whenever a connection comes or goes."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(met)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (exchange := await self._read(number, reader, writer)) is not None:
                self.exchanges.append(exchange)
                await self.script(exchange)
                if writer.is_closing():
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)
            self.closed += 1
            async with self._changed:
                self._changed.notify_all()

    async def _read(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> ServerExchange | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin-1").strip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = [(n.lower(), v) for n, v in (line.split(": ", 1) for line in lines)]
        exchange = ServerExchange(number, method, target, headers, reader, writer)
        length = int(dict(headers).get("content-length", "0"))
        if self.read_bodies and length:
            exchange.body = await reader.readexactly(length)
        return exchange
