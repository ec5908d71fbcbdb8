import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from fleetserve.asgi import (
    App,
    ClientGoneError,
    RawHeaders,
    Receive,
    Scope,
    Send,
    read_body,
    send_response,
)
from fleetserve.http_protocol import HEAD_S, HttpProtocol

KEEP_ALIVE_S = 75.0
LEFT: list[str] = []


class PassingWire(asyncio.Transport):
    """Notes what is written, and passes it on."""

    def __init__(self, real: asyncio.Transport) -> None:
        super().__init__()
        self._real = real
        self.writes: list[bytes] = []

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))
        self._real.write(data)

    def close(self) -> None:
        self._real.close()

    def is_closing(self) -> bool:
        return self._real.is_closing()


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
            assert isinstance(protocol, HttpProtocol)
            protocol.check_head(now_s)

    def watched(self) -> PassingWire:
        """Sees what the server writes from now on."""
        (protocol,) = self.state.connections
        assert isinstance(protocol, HttpProtocol)
        wire = PassingWire(protocol.transport)
        protocol.transport = wire
        return wire

    async def get(self, target: str, method: str = "GET") -> tuple[bytes, bytes]:
        """Head and, up to its length, its last chunk or the connection's end, body."""
        self.writer.write(f"{method} {target} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if method == "HEAD" or head.startswith(b"HTTP/1.1 204"):
            return head, b""
        if length is None:
            body = b""
            while not body.endswith(b"0\r\n\r\n") and (piece := await self.reader.read(1000)):
                body += piece
            return head, body
        try:
            return head, await self.reader.readexactly(int(length[1]))
        except asyncio.IncompleteReadError as exc:
            return head, exc.partial

    async def ask(self, word: bytes) -> None:
        self.writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n" + word)
        head = await self.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await self.reader.readexactly(7) == b"got " + word


def sends(*body: bytes, status: int = 200, headers: RawHeaders | None = None) -> App:
    """Answers without looking at the request; every piece but the last comes with more to come."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": status, "headers": headers or []}
        await send(start)
        for number, piece in enumerate(body, start=1):
            message = {"type": "http.response.body", "body": piece, "more_body": number < len(body)}
            await send(message)

    return answer


async def late(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    await send({"type": "http.response.body", "body": b"two"})


async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"one", "more_body": True})


async def fails(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("as it does")


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    return


async def where(scope: Scope, receive: Receive, send: Send) -> None:
    told = f"{scope['path']} {scope['raw_path']} {scope['query_string']}"
    await send_response(send, 200, [], told.encode())


async def listens(scope: Scope, receive: Receive, send: Send) -> None:
    """Notes all that it is told; looks away after the first piece until the rest is here."""
    while True:
        message = await receive()
        LEFT.append(f"{message['type']} {message.get('body', b'').decode()}")
        if message["type"] == "http.disconnect":
            return
        for _ in range(20):
            await asyncio.sleep(0.001)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        body = await read_body(receive, 1_000_000)
    except ClientGoneError:
        LEFT.append(scope["path"])
        return
    await send_response(send, 200, [(b"x-length", b"%d" % len(body))], b"got " + body[:3])


ANSWERS: dict[str, App] = {
    "/late": late,
    "/breaks-off": breaks_off,
    "/fails": fails,
    "/silent": silent,
    "/where": where,
    "/listens": listens,
    "/nothing": sends(b"", status=204),
    "/large": sends(bytes(300_000), headers=[(b"content-length", b"300000")]),
    "/split": sends(b"", headers=[(b"x-a", b"b\r\nx-c: d")]),
    "/named": sends(b"", headers=[(b"x a", b"b")]),
    "/short": sends(b"four", headers=[(b"content-length", b"9")]),
    "/long": sends(b"four", headers=[(b"content-length", b"1")]),
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await ANSWERS.get(scope["path"], echo)(scope, receive, send)


@pytest.fixture
async def connection() -> AsyncIterator[Connection]:
    config = uvicorn.Config(
        app,
        http=HttpProtocol,
        lifespan="off",
        log_config=None,
        server_header=False,
        timeout_keep_alive=75,
        headers=[("x-fixed", "yes")],
    )
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: HttpProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
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


async def test_head_and_body_are_one_write(connection: Connection) -> None:
    wire = connection.watched()
    for word in (b"one", b"two"):
        await connection.ask(word)
    first, second = wire.writes
    assert first.startswith(b"HTTP/1.1 200 OK\r\nx-fixed: yes\r\n")
    assert first.endswith(b"\r\n\r\ngot one")
    assert second.endswith(b"got two")


async def test_head_goes_out_before_a_body_that_is_late(connection: Connection) -> None:
    wire = connection.watched()
    head, body = await connection.get("/late")
    assert b"transfer-encoding: chunked\r\n" in head
    assert body == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    assert wire.writes == [head, b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n"]


async def test_large_body_is_not_copied_to_its_head(connection: Connection) -> None:
    wire = connection.watched()
    head, body = await connection.get("/large")
    assert (len(body), [len(piece) for piece in wire.writes]) == (300_000, [len(head), 300_000])


@pytest.mark.parametrize("path", ["/fails", "/silent"])
async def test_app_without_an_answer_is_a_500(connection: Connection, path: str) -> None:
    head, body = await connection.get(path)
    assert head.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert b"connection: close\r\n" in head
    assert body == b"Internal Server Error"
    assert await connection.reader.read() == b""


async def test_answer_that_breaks_off_ends_the_connection(connection: Connection) -> None:
    _, body = await connection.get("/breaks-off")
    assert body == b"3\r\none\r\n"


@pytest.mark.parametrize("path", ["/split", "/named"])
async def test_header_that_is_none_is_not_sent(connection: Connection, path: str) -> None:
    head, _ = await connection.get(path)
    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"x-c" not in head


async def test_answer_shorter_than_it_said_ends_the_connection(connection: Connection) -> None:
    _, body = await connection.get("/short")
    assert body == b""
    assert connection.reader.at_eof()


async def test_answer_longer_than_it_said_is_not_sent(connection: Connection) -> None:
    _, body = await connection.get("/long")
    assert body == b""
    assert connection.reader.at_eof()


async def test_answers_without_a_body(connection: Connection) -> None:
    head, body = await connection.get("/large", method="HEAD")
    assert b"content-length: 300000\r\n" in head
    assert body == b""
    head, body = await connection.get("/nothing")
    assert head.startswith(b"HTTP/1.1 204 ")
    assert b"transfer-encoding" not in head
    await connection.ask(b"one")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/where?a=%20b", "/where b'/where' b'a=%20b'"),
        ("/%77here", "/where b'/%77here' b''"),
        ("http://x/where?a", "/where b'/where' b'a'"),
    ],
)
async def test_target_is_told_in_parts(connection: Connection, target: str, told: str) -> None:
    _, body = await connection.get(target)
    assert body.decode() == told


async def test_what_is_no_request_is_a_400(connection: Connection) -> None:
    connection.writer.write(b"GET nowhere HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await connection.reader.read()).startswith(b"HTTP/1.1 400 ")


async def test_old_client_is_answered_once(connection: Connection) -> None:
    connection.writer.write(b"GET /where HTTP/1.0\r\n\r\n")
    assert b"connection: close\r\n" in await connection.reader.read()


async def test_requests_that_came_together_are_answered_in_their_order(
    connection: Connection,
) -> None:
    words = (b"one", b"two", b"six")
    posts = [b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n" + word for word in words]
    connection.writer.write(b"".join(posts))
    for word in words:
        await connection.reader.readuntil(b"\r\n\r\n")
        assert await connection.reader.readexactly(7) == b"got " + word


async def test_large_body_is_taken_whole(connection: Connection) -> None:
    connection.writer.write(b"POST / HTTP/1.1\r\ncontent-length: 900000\r\n\r\n" + bytes(900_000))
    assert b"x-length: 900000\r\n" in await connection.reader.readuntil(b"\r\n\r\n")


async def test_body_is_sent_once_it_is_asked_for(connection: Connection) -> None:
    head = b"POST / HTTP/1.1\r\ncontent-length: 3\r\nexpect: 100-continue\r\n\r\n"
    connection.writer.write(head)
    assert await connection.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.writer.write(b"one")
    assert (await connection.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_app_hears_that_its_client_left(connection: Connection) -> None:
    connection.writer.write(b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\no")
    await connection.settled()
    assert not LEFT
    connection.writer.close()
    await connection.settled()
    assert LEFT == ["/"]
    LEFT.clear()


async def test_app_is_told_of_each_piece_once(connection: Connection) -> None:
    connection.writer.write(b"POST /listens HTTP/1.1\r\ncontent-length: 3\r\n\r\n")
    await connection.settled()
    for piece in (b"o", b"n", b"e"):
        connection.writer.write(piece)
        await asyncio.sleep(0.005)
    await connection.settled()
    await connection.settled()
    connection.writer.close()
    while not LEFT or "disconnect" not in LEFT[-1]:
        await connection.settled()
    told = LEFT.copy()
    LEFT.clear()
    assert told[-1] == "http.disconnect "
    pieces = [line.removeprefix("http.request ") for line in told[:-1]]
    assert "".join(pieces) == "one"
    assert "" not in pieces


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
