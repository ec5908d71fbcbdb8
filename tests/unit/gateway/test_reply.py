import pytest

from gateway.reply import WHOLE_BELOW, Reply, open_reply
from gateway.upstream.base import BrokenAnswerError
from gateway.upstream.memory import MemoryAnswer


async def test_small_answer_is_whole_before_it_is_passed_on() -> None:
    reply = await open_reply(MemoryAnswer(200, [(b"content-length", b"2")], b"{}"))
    assert (reply.status, reply.length, reply.content) == (200, 2, b"{}")


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"%d" % (WHOLE_BELOW + 1))]])
async def test_large_answer_and_one_of_unknown_length_are_streamed(
    headers: list[tuple[bytes, bytes]],
) -> None:
    reply = await open_reply(MemoryAnswer(200, headers, b"x", breaks=True))
    assert reply.content is None


async def test_small_answer_that_breaks_off_is_none() -> None:
    with pytest.raises(BrokenAnswerError):
        await open_reply(MemoryAnswer(200, [(b"content-length", b"2")], b"{", breaks=True))


async def test_large_answer_can_be_taken_whole_and_is_over_then() -> None:
    answer = MemoryAnswer(200, [(b"content-type", b"application/json; charset=utf-8")], b"x")
    reply = await open_reply(answer)
    assert (await reply.take(), await reply.take(), reply.content) == (b"x", b"x", b"x")
    assert answer.closed
    assert reply.media_type == b"application/json"
    assert reply.header(b"x-none") == b""


async def test_what_json_would_tell_of_a_sound_file_is_kept() -> None:
    told = [(b"x-audio-duration", b"1.5"), (b"x-audio-warning", b"a"), (b"x-audio-warning", b"b")]
    reply = await open_reply(MemoryAnswer(200, [*told, (b"content-length", b"0")]))
    assert reply.headers == told


async def test_headers_for_the_client_are_kept_and_the_fleets_own_taken_out() -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"server-timing", b"compute;dur=1"),
        (b"retry-after", b"3"),
        (b"location", b"/jobs/1"),
        (b"x-fleet-in-flight", b"7"),
        (b"x-fleet-shed", b"1"),
        (b"x-request-id", b"theirs"),
        (b"connection", b"keep-alive"),
        (b"transfer-encoding", b"chunked"),
        (b"server", b"uvicorn"),
        (b"set-cookie", b"a=b"),
    ]
    reply = await open_reply(MemoryAnswer(503, headers))
    kept = [name for name, _ in reply.headers]
    assert kept == [b"content-type", b"server-timing", b"retry-after", b"location"]
    assert (reply.in_flight, reply.shed) == (7, True)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (b"text/event-stream", True),
        (b"text/event-stream; charset=utf-8", True),
        (b"text/plain", False),
    ],
)
async def test_event_stream_is_known_by_its_type(kind: bytes, expected: bool) -> None:
    reply: Reply = await open_reply(MemoryAnswer(200, [(b"content-type", kind)]))
    assert reply.is_event_stream is expected
