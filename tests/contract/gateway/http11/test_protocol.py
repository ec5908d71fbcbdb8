import pytest

from gateway.upstream.base import BrokenAnswerError, UpstreamFailedError
from gateway.upstream.http11 import Http11Upstream
from tests.contract.gateway.http11.asking import OK, get, saying
from tests.contract.gateway.scripted_server import ScriptedServer


async def test_head_has_a_length_and_no_body(upstream: Http11Upstream) -> None:
    async with ScriptedServer(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n")) as server:
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
    upstream: Http11Upstream, interim: bytes, at_once: bool
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
async def test_what_is_not_an_answer_is_a_failure(upstream: Http11Upstream, content: bytes) -> None:
    async with ScriptedServer(saying(content)) as server:
        with pytest.raises(UpstreamFailedError):
            await get(upstream, server)
        await server.until(lambda: server.closed == 1)


async def test_chunk_that_is_none_is_a_broken_answer(upstream: Http11Upstream) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    async with ScriptedServer(saying(head, b"2\r\nok\r\nnot a chunk\r\n")) as server:
        answer = await upstream.send(server.address, "GET", "/", [], None)
        with pytest.raises(BrokenAnswerError):
            await answer.read()
        await server.until(lambda: server.closed == 1)


@pytest.mark.parametrize("later", [False, True])
async def test_connection_with_more_than_the_answer_on_it_is_not_used_again(
    upstream: Http11Upstream, later: bool
) -> None:
    pieces = (OK, OK) if later else (OK + OK,)
    async with ScriptedServer(saying(*pieces)) as server:
        for _ in range(2):
            assert await get(upstream, server) == b"ok"
            await server.until(lambda: server.closed == server.connections)
        assert server.connections == 2


async def test_host_is_the_servers_unless_one_is_given(upstream: Http11Upstream) -> None:
    async with ScriptedServer(saying(OK)) as server:
        await get(upstream, server)
        answer = await upstream.send(server.address, "GET", "/", [("host", "localhost:8000")], None)
        answer.close()
        hosts = [[v for n, v in e.headers if n == "host"] for e in server.exchanges]
        assert hosts == [[server.address.removeprefix("http://")], ["localhost:8000"]]


@pytest.mark.parametrize(
    ("method", "length"), [("GET", None), ("DELETE", None), ("POST", "0"), ("PUT", "0")]
)
async def test_request_without_a_body_says_so_where_one_is_expected(
    upstream: Http11Upstream, method: str, length: str | None
) -> None:
    async with ScriptedServer(saying(OK)) as server:
        await get(upstream, server, method)
        assert dict(server.exchanges[0].headers).get("content-length") == length


async def test_bytes_of_headers_go_out_as_they_came_in(upstream: Http11Upstream) -> None:
    async with ScriptedServer(saying(OK)) as server:
        value = b"\xe4\xff".decode("latin-1")
        answer = await upstream.send(server.address, "GET", "/", [("x-a", value)], None)
        answer.close()
        assert dict(server.exchanges[0].headers)["x-a"] == value
