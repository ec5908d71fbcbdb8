import asyncio
from typing import Any

import pytest
import uvicorn

from fleetserve.asgi import Receive, Scope, Send, read_body, send_response
from fleetserve.http_protocol import JoiningHttpProtocol, JoiningTransport

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


async def test_uvicorn_answers_through_it_in_one_write() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, 100)
        await send_response(send, 200, [], b"got " + body)

    config = uvicorn.Config(app, http=JoiningHttpProtocol, lifespan="off", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: JoiningHttpProtocol(config=config, server_state=server.server_state, app_state={}),
        "127.0.0.1",
        0,
    )
    port = listener.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        for word in (b"one", b"two"):
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n" + word)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(7) == b"got " + word
    writer.close()
    await writer.wait_closed()
    listener.close()
    await listener.wait_closed()
