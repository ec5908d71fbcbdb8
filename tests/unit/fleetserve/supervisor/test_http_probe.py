import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fleetserve.supervisor import http_probe
from fleetserve.supervisor.http_probe import ProbeError, get
from fleetserve.supervisor.ports import reserved_port


@asynccontextmanager
async def server(answer: bytes | None) -> AsyncIterator[str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if answer is None:
            await reader.read()
        else:
            writer.write(answer[:20])
            await writer.drain()
            writer.write(answer[20:])
        writer.close()
        talked.set()

    talked = asyncio.Event()
    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/health/ready"
        await talked.wait()


async def test_status_and_body_are_given() -> None:
    async with server(b"HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nloading\n") as url:
        assert await get(url) == (503, "loading")


async def test_refused_connection_is_a_probe_error() -> None:
    with reserved_port() as port:
        pass
    with pytest.raises(ProbeError, match=r"[Cc]onnect"):
        await get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n"])
async def test_answer_that_is_not_http_is_a_probe_error(answer: bytes) -> None:
    async with server(answer) as url:
        with pytest.raises(ProbeError, match="not HTTP"):
            await get(url)


async def test_silence_is_a_probe_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_probe, "TIMEOUT_S", 0.05)
    async with server(None) as url:
        with pytest.raises(ProbeError, match="no answer"):
            await get(url)


async def test_address_of_every_interface_is_asked_by_loopback() -> None:
    async with server(b"HTTP/1.1 200 OK\r\n\r\n") as url:
        assert await get(url.replace("127.0.0.1", "0.0.0.0")) == (200, "")
