import asyncio

import pytest

from gateway.upstream.base import UpstreamFailedError
from gateway.upstream.http11 import Http11Upstream
from tests.contract.gateway.http11.asking import OK, get, saying
from tests.contract.gateway.scripted_server import ScriptedServer, ServerExchange


async def forgotten(upstream: Http11Upstream) -> None:
    """Until the pool has noticed that its idle connections were closed."""
    async with asyncio.timeout(5.0):
        while upstream._idle:  # noqa: ASYNC110 - the pool tells nobody
            await asyncio.sleep(0)


async def test_connection_is_kept_for_the_next_request(upstream: Http11Upstream) -> None:
    async with ScriptedServer(saying(OK)) as server:
        for _ in range(5):
            assert await get(upstream, server) == b"ok"
        assert server.connections == 1


async def test_requests_at_a_time_have_a_connection_each_and_share_them_afterwards(
    upstream: Http11Upstream,
) -> None:
    async with ScriptedServer(saying(OK)) as server:
        for _ in range(3):
            await asyncio.gather(*(get(upstream, server) for _ in range(4)))
        assert server.connections == 4


@pytest.mark.parametrize("status", [204, 304])
async def test_answer_without_a_body_leaves_its_connection_usable(
    upstream: Http11Upstream, status: int
) -> None:
    async with ScriptedServer(saying(b"HTTP/1.1 %d X\r\n\r\n" % status)) as server:
        for _ in range(2):
            assert await get(upstream, server) == b""
        assert server.connections == 1


async def test_chunked_answer_leaves_its_connection_usable(upstream: Http11Upstream) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    script = saying(head, b"2\r\nok\r\n", b"0\r\n\r\n")
    async with ScriptedServer(script) as server:
        for _ in range(2):
            assert await get(upstream, server) == b"ok"
        assert server.connections == 1


async def test_connection_that_the_server_wants_closed_is_not_used_again(
    upstream: Http11Upstream,
) -> None:
    script = saying(OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    async with ScriptedServer(script) as server:
        for _ in range(2):
            assert await get(upstream, server) == b"ok"
        assert server.connections == 2


async def test_answer_not_read_to_its_end_closes_its_connection(upstream: Http11Upstream) -> None:
    script = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
    async with ScriptedServer(script) as server:
        answer = await upstream.send(server.address, "GET", "/", [], None)
        answer.close()
        await server.until(lambda: server.closed == 1)


async def test_closing_an_answer_twice_does_not_disturb_the_next(upstream: Http11Upstream) -> None:
    async with ScriptedServer(saying(OK)) as server:
        first = await upstream.send(server.address, "GET", "/", [], None)
        await first.read()
        first.close()
        second = await upstream.send(server.address, "GET", "/", [], None)
        first.close()
        assert await second.read() == b"ok"
        second.close()
        assert server.connections == 1


async def test_connection_that_the_server_closed_while_idle_is_not_used_again(
    upstream: Http11Upstream,
) -> None:
    async def script(exchange: ServerExchange) -> None:
        await exchange.send(OK)
        exchange.writer.close()

    async with ScriptedServer(script) as server:
        assert await get(upstream, server) == b"ok"
        await forgotten(upstream)
        assert await get(upstream, server) == b"ok"
        assert server.connections == 2


async def test_connection_that_is_closed_as_the_request_comes_fails_cleanly(
    upstream: Http11Upstream,
) -> None:
    async def script(exchange: ServerExchange) -> None:
        if len(server.exchanges) == 2:
            exchange.writer.close()
        else:
            await exchange.send(OK)

    async with ScriptedServer(script) as server:
        await get(upstream, server)
        with pytest.raises(UpstreamFailedError) as caught:
            await get(upstream, server)
        assert caught.value.sent
        assert await get(upstream, server) == b"ok"
        assert [e.connection for e in server.exchanges] == [1, 1, 2]


async def test_pool_keeps_nothing_of_a_server_that_went(upstream: Http11Upstream) -> None:
    async with ScriptedServer(saying(OK)) as server:
        await asyncio.gather(*(get(upstream, server) for _ in range(8)))
        assert len(upstream._idle[server.address]) == 8
    await forgotten(upstream)


async def test_closing_the_pool_closes_its_connections(upstream: Http11Upstream) -> None:
    async with ScriptedServer(saying(OK)) as server:
        await asyncio.gather(*(get(upstream, server) for _ in range(4)))
        await upstream.close()
        await server.until(lambda: server.closed == 4)
