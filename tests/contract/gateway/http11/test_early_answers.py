"""The answer comes while the body is still being sent."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.bodies import Body
from gateway.upstream.base import UpstreamAnswer, UpstreamFailedError
from gateway.upstream.http11 import Http11Upstream
from tests.contract.gateway.http11.asking import OK, get, saying
from tests.contract.gateway.scripted_server import ScriptedServer, ServerExchange

SIZE = 64 * 1024 * 1024


async def send(upstream: Http11Upstream, server: ScriptedServer, body: Body) -> UpstreamAnswer:
    async with asyncio.timeout(10.0):
        return await upstream.send(server.address, "POST", "/", [], body)


@pytest.mark.parametrize("kept", [b"", b"connection: close\r\n"])
async def test_server_that_does_not_read_on_is_heard(
    upstream: Http11Upstream, spool: Callable[[bytes], Body], kept: bytes
) -> None:
    answered = asyncio.Event()

    async def script(exchange: ServerExchange) -> None:
        head = b"HTTP/1.1 503 Full\r\nx-fleet-shed: 1\r\ncontent-length: 2\r\n"
        await exchange.send(head + kept + b"\r\nno")
        await answered.wait()

    async with ScriptedServer(script, read_bodies=False) as server:
        answer = await send(upstream, server, spool(b"x" * SIZE))
        assert answer.status == 503
        assert (b"x-fleet-shed", b"1") in answer.headers
        assert await answer.read() == b"no"
        answer.close()
        answered.set()


async def test_connection_that_was_promised_more_is_not_used_again(
    upstream: Http11Upstream, spool: Callable[[bytes], Body]
) -> None:
    async def script(exchange: ServerExchange) -> None:
        await exchange.send(OK)
        if exchange.method == "POST":
            await exchange.until_left()

    async with ScriptedServer(script, read_bodies=False) as server:
        answer = await send(upstream, server, spool(b"x" * SIZE))
        await answer.read()
        answer.close()
        async with asyncio.timeout(10.0):
            assert await get(upstream, server) == b"ok"
        assert [e.connection for e in server.exchanges] == [1, 2]


async def test_body_that_was_sent_whole_leaves_its_connection_usable(
    upstream: Http11Upstream, spool: Callable[[bytes], Body]
) -> None:
    async with ScriptedServer(saying(OK)) as server:
        for _ in range(2):
            answer = await send(upstream, server, spool(b"x" * 1_000_000))
            await answer.read()
            answer.close()
        assert server.connections == 1


async def test_server_that_resets_in_the_middle_of_the_body_is_a_failure(
    upstream: Http11Upstream, spool: Callable[[bytes], Body]
) -> None:
    async def script(exchange: ServerExchange) -> None:
        await exchange.reader.readexactly(1_000_000)
        exchange.reset()

    async with ScriptedServer(script, read_bodies=False) as server:
        with pytest.raises(UpstreamFailedError) as caught:
            await send(upstream, server, spool(b"x" * SIZE))
        assert caught.value.sent


async def test_cancelling_in_the_middle_of_the_body_closes_the_connection(
    upstream: Http11Upstream, spool: Callable[[bytes], Body]
) -> None:
    arrived = asyncio.Event()

    async def script(exchange: ServerExchange) -> None:
        await exchange.reader.readexactly(1_000_000)
        arrived.set()
        await asyncio.Event().wait()

    async with ScriptedServer(script, read_bodies=False) as server:
        sending = asyncio.ensure_future(send(upstream, server, spool(b"x" * SIZE)))
        await arrived.wait()
        sending.cancel()
        await asyncio.wait([sending])
        assert not upstream._idle
        reader = server.exchanges[0].reader
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(SIZE)
