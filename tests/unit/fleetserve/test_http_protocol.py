import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from fleetserve.asgi import Receive, Scope, Send, read_body, send_response
from fleetserve.http_protocol import HEAD_S, JoiningHttpProtocol, JoiningTransport

KEEP_ALIVE_S = 75.0
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"


class Wire(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.calls: list[str] = []

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.calls

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return f"the wire's {name}"


class PassingWire(Wire):
    """Notes what is written, and passes it on."""

    def __init__(self, real: asyncio.Transport) -> None:
        super().__init__()
        self._real = real

    def write(self, data: Any) -> None:
        super().write(data)
        self._real.write(data)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def joining(wire: Wire) -> JoiningTransport:
    return JoiningTransport(wire, asyncio.get_running_loop())


async def test_head_and_body_are_one_write(wire: Wire, joining: JoiningTransport) -> None:
    joining.write(HEAD)
    joining.write(b"abc")
    await asyncio.sleep(0)
    assert wire.writes == [HEAD + b"abc"]


async def test_a_head_alone_goes_out_in_the_same_turn(
    wire: Wire, joining: JoiningTransport
) -> None:
    joining.write(HEAD)
    assert wire.writes == []
    await asyncio.sleep(0)
    joining.write(b"chunk")
    assert wire.writes == [HEAD, b"chunk"]


async def test_closing_loses_nothing(wire: Wire, joining: JoiningTransport) -> None:
    joining.write(HEAD)
    joining.close()
    await asyncio.sleep(0)
    assert (wire.writes, wire.calls) == ([HEAD], ["close"])
    assert joining.is_closing()


async def test_aborting_writes_no_more(wire: Wire, joining: JoiningTransport) -> None:
    joining.write(HEAD)
    joining.abort()
    await asyncio.sleep(0)
    assert (wire.writes, wire.calls) == ([], ["abort"])


async def test_two_answers_in_one_turn_stay_in_order(wire: Wire, joining: JoiningTransport) -> None:
    for body in (b"one", b"two"):
        joining.write(HEAD)
        joining.write(body)
    await asyncio.sleep(0)
    assert b"".join(wire.writes) == HEAD + b"one" + HEAD + b"two"


async def test_the_wire_is_asked_about_itself(joining: JoiningTransport) -> None:
    assert joining.get_extra_info("peername") == "the wire's peername"


@dataclass
class Connection:
    """A client's end, and the server's protocols."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    state: ServerState

    async def settled(self) -> None:
        """Lets the server take in what was sent."""
        for _ in range(20):
            await asyncio.sleep(0.001)

    def check(self, now_s: float) -> None:
        for protocol in list(self.state.connections):
            assert isinstance(protocol, JoiningHttpProtocol)
            protocol.check_head(now_s)

    async def ask(self, word: bytes) -> None:
        self.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n" + word)
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await self.reader.readexactly(7) == b"got " + word


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, 100)
        await send_response(send, 200, [], b"got " + body)

    config = uvicorn.Config(
        app, http=JoiningHttpProtocol, lifespan="off", log_config=None, timeout_keep_alive=75
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: JoiningHttpProtocol(config=config, server_state=state, app_state={}),
        "127.0.0.1",
        0,
    )
    reader, writer = await asyncio.open_connection(*listener.sockets[0].getsockname())
    async with asyncio.timeout(10):
        made = Connection(reader, writer, state)
        await made.settled()
        yield made
        writer.close()
        await writer.wait_closed()
        listener.close()
        await listener.wait_closed()


async def test_uvicorn_answers_through_it_in_one_write(connection: Connection) -> None:
    (protocol,) = connection.state.connections
    assert isinstance(protocol, JoiningHttpProtocol)
    joining = protocol.transport
    assert isinstance(joining, JoiningTransport)
    wire = joining._transport = PassingWire(joining._transport)
    for word in (b"one", b"two"):
        await connection.ask(word)
    first, second = wire.writes
    assert first.endswith(b"got one")
    assert second.endswith(b"got two")


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\nhost: x\r\nx-slow: 1"])
@pytest.mark.parametrize("first", [True, False])
async def test_head_that_does_not_come_costs_the_connection(
    connection: Connection, sent: bytes, first: bool
) -> None:
    if not first:
        await connection.ask(b"one")
        sent = sent or b"P"
    connection.writer.write(sent)
    await connection.settled()
    connection.check(100.0)
    connection.check(100.0 + HEAD_S - 0.1)
    await connection.settled()
    assert not connection.reader.at_eof()
    connection.check(100.0 + HEAD_S)
    assert await connection.reader.read() == b""
    assert not connection.state.connections


async def test_each_request_has_its_own_time(connection: Connection) -> None:
    for number in range(4):
        connection.check(100.0 + number * HEAD_S / 2)
        await connection.ask(b"one")
    # Kept alive, with nothing sent since: that has a limit of its own.
    connection.check(100.0 + 3 * HEAD_S)
    connection.check(100.0 + 3 * HEAD_S + KEEP_ALIVE_S - 0.1)
    await connection.ask(b"two")
    assert len(connection.state.connections) == 1


async def test_unused_connection_is_closed(connection: Connection) -> None:
    await connection.ask(b"one")
    connection.check(100.0)
    connection.check(100.0 + KEEP_ALIVE_S)
    assert await connection.reader.read() == b""


async def test_slow_body_is_not_taken_for_a_slow_head(connection: Connection) -> None:
    connection.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\no")
    await connection.settled()
    connection.check(100.0)
    connection.check(100.0 + 2 * HEAD_S)
    connection.writer.write(b"ne")
    assert (await connection.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
