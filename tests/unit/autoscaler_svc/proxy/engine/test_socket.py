import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler_svc.proxy.engine import socket
from autoscaler_svc.proxy.engine.base import EngineAnswer
from autoscaler_svc.proxy.engine.socket import SocketEngine
from autoscaler_svc.proxy.errors import EngineAwayError


class Far:
    """An engine that says what it is told to, byte by byte."""

    def __init__(self) -> None:
        self.says = b""
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard = await reader.readuntil(b"\r\n\r\n")
        if b"Content-Length: 2" in self.heard:
            self.heard += await reader.readexactly(2)
        writer.write(self.says)
        with contextlib.suppress(OSError):
            await writer.drain()
            writer.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "d.sock"


@pytest.fixture
async def far(path: Path, anyio_backend: str) -> AsyncIterator[Far]:
    far = Far()
    server = await asyncio.start_unix_server(far.serve, str(path))
    async with server:
        yield far


async def test_answer_with_a_length_is_read(far: Far, path: Path) -> None:
    far.says = (
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    answer = await SocketEngine(path).call("POST", "/v1.45/x?a=b", b"{}")
    assert answer == EngineAnswer(201, "application/json", b"{}")
    assert answer.ok
    head = far.heard.decode()
    assert head.startswith("POST /v1.45/x?a=b HTTP/1.1\r\n")
    assert "Content-Type: application/json" in head
    assert head.endswith("{}")


async def test_answer_in_chunks_is_put_together(far: Far, path: Path) -> None:
    far.says = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    assert (await SocketEngine(path).call("GET", "/_ping")).body == b"abcde"
    assert b"Content-Length" not in far.heard


async def test_answer_without_a_body_is_whole(far: Far, path: Path) -> None:
    far.says = b"HTTP/1.1 204 No Content\r\n\r\n"
    answer = await SocketEngine(path).call("POST", "/v1.45/containers/a/start")
    assert answer == EngineAnswer(204)
    assert b"Content-Length: 0" in far.heard


@pytest.mark.parametrize(
    "says",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"],
)
async def test_answer_that_is_none_is_an_engine_away(far: Far, path: Path, says: bytes) -> None:
    far.says = says
    with pytest.raises(EngineAwayError):
        await SocketEngine(path).call("GET", "/_ping")


async def test_answer_that_is_too_long_is_not_kept(
    far: Far, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "MAX_ANSWER", 10)
    far.says = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50
    with pytest.raises(EngineAwayError, match="over 10 bytes"):
        await SocketEngine(path).call("GET", "/_ping")


async def test_nobody_at_the_socket_is_an_engine_away(path: Path) -> None:
    with pytest.raises(EngineAwayError, match=r"d\.sock"):
        await SocketEngine(path).call("GET", "/_ping")


async def test_engine_that_says_nothing_is_away_after_the_time(path: Path) -> None:
    held: list[asyncio.StreamWriter] = []

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    async with await asyncio.start_unix_server(hang, str(path)):
        with pytest.raises(EngineAwayError, match="TimeoutError"):
            await SocketEngine(path).call("GET", "/_ping", timeout_s=0.05)
        for writer in held:
            writer.close()
