"""What only a real connection can show: reuse, back-pressure, the protocol's corners."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from gateway.bodies import Body
from gateway.upstream.base import BrokenAnswerError, UpstreamAnswer, UpstreamFailedError
from gateway.upstream.connection import HIGH_WATER
from gateway.upstream.http11 import Http11Upstream
from tests.contract.gateway.scripted_server import Script, ScriptedServer, ServerExchange

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
# What kernels hold between the two sides of a connection on loopback, generously.
KERNEL_BUFFERS = 16 * 1024 * 1024


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def upstream() -> AsyncIterator[Http11Upstream]:
    upstream = Http11Upstream()
    yield upstream
    await upstream.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Callable[[bytes], Body]]:
    files: list[BinaryIO] = []

    def make(content: bytes) -> Body:
        file = (tmp_path / "spool").open("w+b")
        files.append(file)
        file.write(content)
        file.flush()
        return Body(None, file, len(content))

    yield make
    for file in files:
        file.close()


def saying(*pieces: bytes) -> Script:
    async def script(exchange: ServerExchange) -> None:
        await exchange.send(*pieces)

    return script


async def get(upstream: Http11Upstream, server: ScriptedServer, method: str = "GET") -> bytes:
    """One whole exchange."""
    answer = await upstream.send(server.address, method, "/", [], None)
    content = await answer.read()
    answer.close()
    return content


async def forgotten(upstream: Http11Upstream) -> None:
    """Until the pool has noticed that its idle connections were closed."""
    async with asyncio.timeout(5.0):
        while upstream._idle:  # noqa: ASYNC110 - the pool tells nobody
            await asyncio.sleep(0)


class TestReuse:
    async def test_connection_is_kept_for_the_next_request(self, upstream: Http11Upstream) -> None:
        async with ScriptedServer(saying(OK)) as server:
            for _ in range(5):
                assert await get(upstream, server) == b"ok"
            assert server.connections == 1

    async def test_requests_at_a_time_have_a_connection_each_and_share_them_afterwards(
        self, upstream: Http11Upstream
    ) -> None:
        async with ScriptedServer(saying(OK)) as server:
            for _ in range(3):
                await asyncio.gather(*(get(upstream, server) for _ in range(4)))
            assert server.connections == 4

    @pytest.mark.parametrize("status", [204, 304])
    async def test_answer_without_a_body_leaves_its_connection_usable(
        self, upstream: Http11Upstream, status: int
    ) -> None:
        async with ScriptedServer(saying(b"HTTP/1.1 %d X\r\n\r\n" % status)) as server:
            for _ in range(2):
                assert await get(upstream, server) == b""
            assert server.connections == 1

    async def test_chunked_answer_leaves_its_connection_usable(
        self, upstream: Http11Upstream
    ) -> None:
        head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        script = saying(head, b"2\r\nok\r\n", b"0\r\n\r\n")
        async with ScriptedServer(script) as server:
            for _ in range(2):
                assert await get(upstream, server) == b"ok"
            assert server.connections == 1

    async def test_connection_that_the_server_wants_closed_is_not_used_again(
        self, upstream: Http11Upstream
    ) -> None:
        script = saying(OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        async with ScriptedServer(script) as server:
            for _ in range(2):
                assert await get(upstream, server) == b"ok"
            assert server.connections == 2

    async def test_answer_not_read_to_its_end_closes_its_connection(
        self, upstream: Http11Upstream
    ) -> None:
        script = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        async with ScriptedServer(script) as server:
            answer = await upstream.send(server.address, "GET", "/", [], None)
            answer.close()
            await server.until(lambda: server.closed == 1)

    async def test_closing_an_answer_twice_does_not_disturb_the_next(
        self, upstream: Http11Upstream
    ) -> None:
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
        self, upstream: Http11Upstream
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
        self, upstream: Http11Upstream
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

    async def test_pool_keeps_nothing_of_a_server_that_went(self, upstream: Http11Upstream) -> None:
        async with ScriptedServer(saying(OK)) as server:
            await asyncio.gather(*(get(upstream, server) for _ in range(8)))
            assert len(upstream._idle[server.address]) == 8
        await forgotten(upstream)

    async def test_closing_the_pool_closes_its_connections(self, upstream: Http11Upstream) -> None:
        async with ScriptedServer(saying(OK)) as server:
            await asyncio.gather(*(get(upstream, server) for _ in range(4)))
            await upstream.close()
            await server.until(lambda: server.closed == 4)


class TestProtocol:
    async def test_head_has_a_length_and_no_body(self, upstream: Http11Upstream) -> None:
        async with ScriptedServer(
            saying(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")
        ) as server:
            for _ in range(2):
                answer = await upstream.send(server.address, "HEAD", "/", [], None)
                assert (b"content-length", b"5") in answer.headers
                assert await answer.read() == b""
                answer.close()

    @pytest.mark.parametrize(
        "interim",
        [
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n",
            b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
        ],
    )
    @pytest.mark.parametrize("at_once", [False, True])
    async def test_interim_answers_are_passed_over(
        self, upstream: Http11Upstream, interim: bytes, at_once: bool
    ) -> None:
        pieces = (interim + OK,) if at_once else (interim, OK)
        async with ScriptedServer(saying(*pieces)) as server:
            for _ in range(2):
                answer = await upstream.send(server.address, "GET", "/", [], None)
                assert (answer.status, await answer.read()) == (200, b"ok")
                assert [name for name, _ in answer.headers] == [b"content-length"]
                answer.close()
            assert server.connections == 1

    @pytest.mark.parametrize(
        "content",
        [
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nx",
        ],
    )
    async def test_what_is_not_an_answer_is_a_failure(
        self, upstream: Http11Upstream, content: bytes
    ) -> None:
        async with ScriptedServer(saying(content)) as server:
            with pytest.raises(UpstreamFailedError):
                await get(upstream, server)
            await server.until(lambda: server.closed == 1)

    async def test_chunk_that_is_none_is_a_broken_answer(self, upstream: Http11Upstream) -> None:
        head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        async with ScriptedServer(saying(head, b"2\r\nok\r\nnot a chunk\r\n")) as server:
            answer = await upstream.send(server.address, "GET", "/", [], None)
            with pytest.raises(BrokenAnswerError):
                await answer.read()
            await server.until(lambda: server.closed == 1)

    @pytest.mark.parametrize("later", [False, True])
    async def test_connection_with_more_than_the_answer_on_it_is_not_used_again(
        self, upstream: Http11Upstream, later: bool
    ) -> None:
        pieces = (OK, OK) if later else (OK + OK,)
        async with ScriptedServer(saying(*pieces)) as server:
            for _ in range(2):
                assert await get(upstream, server) == b"ok"
                await server.until(lambda: server.closed == server.connections)
            assert server.connections == 2

    async def test_host_is_the_servers_unless_one_is_given(self, upstream: Http11Upstream) -> None:
        async with ScriptedServer(saying(OK)) as server:
            await get(upstream, server)
            answer = await upstream.send(
                server.address, "GET", "/", [("host", "localhost:8000")], None
            )
            answer.close()
            hosts = [[v for n, v in e.headers if n == "host"] for e in server.exchanges]
            assert hosts == [[server.address.removeprefix("http://")], ["localhost:8000"]]

    @pytest.mark.parametrize(
        ("method", "length"), [("GET", None), ("DELETE", None), ("POST", "0"), ("PUT", "0")]
    )
    async def test_request_without_a_body_says_so_where_one_is_expected(
        self, upstream: Http11Upstream, method: str, length: str | None
    ) -> None:
        async with ScriptedServer(saying(OK)) as server:
            await get(upstream, server, method)
            assert dict(server.exchanges[0].headers).get("content-length") == length

    async def test_bytes_of_headers_go_out_as_they_came_in(self, upstream: Http11Upstream) -> None:
        async with ScriptedServer(saying(OK)) as server:
            value = b"\xe4\xff".decode("latin-1")
            answer = await upstream.send(server.address, "GET", "/", [("x-a", value)], None)
            answer.close()
            assert dict(server.exchanges[0].headers)["x-a"] == value


class TestLargeAnswers:
    async def test_whole_body_beyond_the_high_water_is_read(self, upstream: Http11Upstream) -> None:
        content = bytes(range(256)) * 4096 * 8
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content)
        async with ScriptedServer(saying(head, content)) as server:
            async with asyncio.timeout(10.0):
                assert await get(upstream, server) == content
                assert await get(upstream, server) == content
            assert server.connections == 1

    async def test_slow_reader_holds_the_server_back(self, upstream: Http11Upstream) -> None:
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

    async def test_reader_that_leaves_in_the_middle_ends_the_work(
        self, upstream: Http11Upstream
    ) -> None:
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


class TestEarlyAnswers:
    """The answer comes while the body is still being sent."""

    SIZE = 64 * 1024 * 1024

    async def send(
        self, upstream: Http11Upstream, server: ScriptedServer, body: Body
    ) -> UpstreamAnswer:
        async with asyncio.timeout(10.0):
            return await upstream.send(server.address, "POST", "/", [], body)

    @pytest.mark.parametrize("kept", [b"", b"connection: close\r\n"])
    async def test_server_that_does_not_read_on_is_heard(
        self, upstream: Http11Upstream, spool: Callable[[bytes], Body], kept: bytes
    ) -> None:
        answered = asyncio.Event()

        async def script(exchange: ServerExchange) -> None:
            head = b"HTTP/1.1 503 Full\r\nx-fleet-shed: 1\r\ncontent-length: 2\r\n"
            await exchange.send(head + kept + b"\r\nno")
            await answered.wait()

        async with ScriptedServer(script, read_bodies=False) as server:
            answer = await self.send(upstream, server, spool(b"x" * self.SIZE))
            assert answer.status == 503
            assert (b"x-fleet-shed", b"1") in answer.headers
            assert await answer.read() == b"no"
            answer.close()
            answered.set()

    async def test_connection_that_was_promised_more_is_not_used_again(
        self, upstream: Http11Upstream, spool: Callable[[bytes], Body]
    ) -> None:
        async def script(exchange: ServerExchange) -> None:
            await exchange.send(OK)
            if exchange.method == "POST":
                await exchange.until_left()

        async with ScriptedServer(script, read_bodies=False) as server:
            answer = await self.send(upstream, server, spool(b"x" * self.SIZE))
            await answer.read()
            answer.close()
            async with asyncio.timeout(10.0):
                assert await get(upstream, server) == b"ok"
            assert [e.connection for e in server.exchanges] == [1, 2]

    async def test_body_that_was_sent_whole_leaves_its_connection_usable(
        self, upstream: Http11Upstream, spool: Callable[[bytes], Body]
    ) -> None:
        async with ScriptedServer(saying(OK)) as server:
            for _ in range(2):
                answer = await self.send(upstream, server, spool(b"x" * 1_000_000))
                await answer.read()
                answer.close()
            assert server.connections == 1

    async def test_server_that_resets_in_the_middle_of_the_body_is_a_failure(
        self, upstream: Http11Upstream, spool: Callable[[bytes], Body]
    ) -> None:
        async def script(exchange: ServerExchange) -> None:
            await exchange.reader.readexactly(1_000_000)
            exchange.reset()

        async with ScriptedServer(script, read_bodies=False) as server:
            with pytest.raises(UpstreamFailedError) as caught:
                await self.send(upstream, server, spool(b"x" * self.SIZE))
            assert caught.value.sent

    async def test_cancelling_in_the_middle_of_the_body_closes_the_connection(
        self, upstream: Http11Upstream, spool: Callable[[bytes], Body]
    ) -> None:
        arrived = asyncio.Event()

        async def script(exchange: ServerExchange) -> None:
            await exchange.reader.readexactly(1_000_000)
            arrived.set()
            await asyncio.Event().wait()

        async with ScriptedServer(script, read_bodies=False) as server:
            sending = asyncio.ensure_future(self.send(upstream, server, spool(b"x" * self.SIZE)))
            await arrived.wait()
            sending.cancel()
            await asyncio.wait([sending])
            assert not upstream._idle
            reader = server.exchanges[0].reader
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(self.SIZE)
