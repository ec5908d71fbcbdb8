import asyncio

from gateway.upstream.connection import HIGH_WATER
from gateway.upstream.http11 import Http11Upstream
from tests.contract.gateway.http11.asking import get, saying
from tests.contract.gateway.scripted_server import ScriptedServer, ServerExchange

# What kernels hold between the two sides of a connection on loopback, generously.
KERNEL_BUFFERS = 16 * 1024 * 1024


async def test_whole_body_beyond_the_high_water_is_read(upstream: Http11Upstream) -> None:
    content = bytes(range(256)) * 4096 * 8
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content)
    async with ScriptedServer(saying(head, content)) as server:
        async with asyncio.timeout(10.0):
            assert await get(upstream, server) == content
            assert await get(upstream, server) == content
        assert server.connections == 1


async def test_slow_reader_holds_the_server_back(upstream: Http11Upstream) -> None:
    piece, count = b"x" * 65_536, 1024
    written = 0

    async def script(exchange: ServerExchange) -> None:
        nonlocal written
        size = len(piece) * count
        await exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(count):
            await exchange.send(piece)
            written += len(piece)

    async with ScriptedServer(script) as server:
        answer = await upstream.send(server.address, "GET", "/", [], None)
        taken = 0
        async for chunk in answer.chunks():
            taken += len(chunk)
            # The server runs ahead as far as it gets before the next chunk is taken.
            for _ in range(20):
                await asyncio.sleep(0)
            assert written - taken < HIGH_WATER + KERNEL_BUFFERS
            assert answer._pending < HIGH_WATER + 512 * 1024
        assert taken == len(piece) * count
        answer.close()


async def test_reader_that_leaves_in_the_middle_ends_the_work(upstream: Http11Upstream) -> None:
    async def script(exchange: ServerExchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await exchange.send(b"4\r\nmore\r\n")
            await asyncio.sleep(0)

    async with ScriptedServer(script) as server:
        answer = await upstream.send(server.address, "GET", "/", [], None)
        async for _ in answer.chunks():
            break
        answer.close()
        await server.until(lambda: server.closed == 1)
