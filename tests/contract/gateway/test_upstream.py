"""What the gateway counts on from every Upstream."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.bodies import Body
from gateway.upstream.base import BrokenAnswerError, UpstreamAnswer, UpstreamFailedError
from tests.contract.gateway.peers import End, MemoryPeer, Peer, Play, ServerPeer


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(params=["memory", "http11", "http11, unix"])
async def peer(request: pytest.FixtureRequest) -> AsyncIterator[Peer]:
    if request.param == "memory":
        yield MemoryPeer()
        return
    peer = ServerPeer(unix_door=request.param == "http11, unix")
    async with peer.server:
        yield peer
        await peer.upstream.close()


def held(content: bytes) -> Body:
    return Body(content, None, len(content))


def spooled(folder: Path, content: bytes) -> Body:
    file = (folder / "spool").open("w+b")
    file.write(content)
    file.flush()
    return Body(None, file, len(content))


async def post(peer: Peer, body: Body | None = None) -> UpstreamAnswer:
    headers = [("content-type", "application/json"), ("x-fleet-model", "m")]
    return await peer.upstream.send(peer.address, "POST", "/predict?a=b", headers, body)


async def gather(answer: UpstreamAnswer) -> bytes:
    return b"".join([chunk async for chunk in answer.chunks()])


async def test_request_arrives_as_it_was_sent(peer: Peer) -> None:
    answer = await post(peer, held(b'{"inputs":1}'))
    await answer.read()
    answer.close()
    (seen,) = peer.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/predict?a=b", b'{"inputs":1}')
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["x-fleet-model"] == "m"


async def test_whole_answer_is_read(peer: Peer) -> None:
    peer.play = Play(201, [(b"content-type", b"application/json")], (b'{"a"', b":1}"))
    answer = await post(peer)
    assert answer.status == 201
    assert (b"content-type", b"application/json") in answer.headers
    assert (b"content-length", b"7") in answer.headers
    assert await answer.read() == b'{"a":1}'
    answer.close()


async def test_names_of_headers_are_lower_case(peer: Peer) -> None:
    peer.play = Play(headers=[(b"Server-Timing", b"Compute;dur=1"), (b"X-Fleet-Shed", b"1")])
    answer = await post(peer)
    assert {(b"server-timing", b"Compute;dur=1"), (b"x-fleet-shed", b"1")} <= set(answer.headers)
    answer.close()


@pytest.mark.parametrize("chunked", [False, True])
async def test_answer_comes_in_chunks(peer: Peer, chunked: bool) -> None:
    peer.play = Play(pieces=(b"one", b"two", b"three"), chunked=chunked)
    answer = await post(peer)
    assert await gather(answer) == b"onetwothree"
    answer.close()


@pytest.mark.parametrize("status", [204, 304])
async def test_answer_without_a_body_has_none(peer: Peer, status: int) -> None:
    peer.play = Play(status)
    answer = await post(peer)
    assert (answer.status, await gather(answer)) == (status, b"")
    answer.close()


async def test_refused_connection_says_that_nothing_was_sent(peer: Peer) -> None:
    with pytest.raises(UpstreamFailedError) as caught:
        await peer.upstream.send(peer.nowhere, "GET", "/", [], None)
    assert not caught.value.sent


async def test_reset_before_the_answer_says_that_it_may_have_been_taken(peer: Peer) -> None:
    peer.play = Play(end=End.RESETS)
    with pytest.raises(UpstreamFailedError) as caught:
        await post(peer, held(b"body"))
    assert caught.value.sent
    assert len(peer.seen) == 1


@pytest.mark.parametrize("chunked", [False, True])
async def test_body_that_breaks_off_is_no_whole_one(peer: Peer, chunked: bool) -> None:
    peer.play = Play(pieces=(b"part",), end=End.BREAKS, chunked=chunked)
    answer = await post(peer)
    with pytest.raises(BrokenAnswerError):
        await answer.read()
    answer.close()


@pytest.mark.parametrize("chunked", [False, True])
async def test_chunks_before_the_break_are_given(peer: Peer, chunked: bool) -> None:
    peer.play = Play(pieces=(b"part",), end=End.BREAKS, chunked=chunked)
    answer = await post(peer)
    got: list[bytes] = []

    async def take() -> None:
        async for chunk in answer.chunks():
            got.append(chunk)  # noqa: PERF401 - what came before the break is looked at

    with pytest.raises(BrokenAnswerError):
        await take()
    assert b"".join(got) == b"part"
    answer.close()


async def test_next_request_after_a_failure_is_answered(peer: Peer) -> None:
    for end in (End.RESETS, End.BREAKS):
        peer.play = Play(pieces=(b"part",), end=end)
        with pytest.raises((UpstreamFailedError, BrokenAnswerError)):
            await (await post(peer)).read()
        peer.play = Play(pieces=(b"whole",))
        answer = await post(peer)
        assert await answer.read() == b"whole"
        answer.close()


async def test_cancelling_ends_the_exchange_at_the_other_side(peer: Peer) -> None:
    peer.play = Play(end=End.NEVER)
    sending = asyncio.ensure_future(post(peer))
    async with asyncio.timeout(5.0):
        await peer.arrived.wait()
    assert not sending.done()
    sending.cancel()
    async with asyncio.timeout(5.0):
        await peer.left.wait()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_body_in_a_file_is_sent_whole_and_can_be_sent_again(
    peer: Peer, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 4096 * 3
    body = spooled(tmp_path, content)
    peer.play = Play(end=End.RESETS)
    with pytest.raises(UpstreamFailedError):
        await post(peer, body)
    peer.play = Play()
    for _ in range(2):
        answer = await post(peer, body)
        await answer.read()
        answer.close()
    assert [len(seen.body) for seen in peer.seen] == [len(content)] * 3
    assert all(seen.body == content for seen in peer.seen)
    assert body.file is not None
    body.file.close()


async def test_large_body_in_memory_is_sent_whole(peer: Peer) -> None:
    content = bytes(range(256)) * 4096 * 5
    await (await post(peer, held(content))).read()
    assert peer.seen[0].body == content


async def test_body_of_nothing_is_sent_as_such(peer: Peer) -> None:
    await (await post(peer, held(b""))).read()
    assert peer.seen[0].body == b""


async def test_many_at_a_time_get_each_its_own_answer(peer: Peer) -> None:
    peer.play = Play(pieces=(b"answer",))

    async def ask(number: int) -> bytes:
        answer = await peer.upstream.send(peer.address, "GET", f"/{number}", [], None)
        content = await answer.read()
        answer.close()
        return content

    assert await asyncio.gather(*(ask(n) for n in range(32))) == [b"answer"] * 32
    assert sorted(int(seen.target[1:]) for seen in peer.seen) == list(range(32))
