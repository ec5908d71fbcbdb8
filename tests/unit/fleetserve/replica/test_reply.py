from collections.abc import AsyncIterator

import pytest

from fleetserve.asgi import Message
from fleetserve.errors import InvalidFieldError
from fleetserve.replica.exchange import Answer, Timing
from fleetserve.replica.reply import Reply


class Sent(list[Message]):
    async def take(self, message: Message) -> None:
        self.append(message)

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self[0]["headers"])


class Chunks:
    def __init__(self, *chunks: bytes | Exception) -> None:
        self._chunks = list(chunks)
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._chunks:
            raise StopAsyncIteration
        chunk = self._chunks.pop(0)
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def reply(sent: Sent) -> Reply:
    return Reply(sent.take, "r1")


async def test_a_whole_answer_has_its_length_and_the_fleets_headers(
    sent: Sent, reply: Reply
) -> None:
    reply.in_flight = 3
    await reply.answer(Answer(b"abc", timing=Timing(compute_ms=1.0), model="m"))
    assert sent.headers == {
        b"content-type": b"application/json",
        b"x-request-id": b"r1",
        b"x-fleet-in-flight": b"3",
        b"server-timing": b"compute;dur=1.00",
        b"content-length": b"3",
    }
    assert sent[1]["body"] == b"abc"
    assert (reply.status, reply.size, reply.model) == (200, 3, "m")


async def test_a_stream_is_sent_chunk_by_chunk_and_closed(sent: Sent, reply: Reply) -> None:
    chunks = Chunks(b"a", b"bc")
    await reply.answer(Answer(chunks, content_type="audio/wav"))
    assert [m.get("body") for m in sent[1:]] == [b"a", b"bc", b""]
    assert b"content-length" not in sent.headers
    assert chunks.closed
    assert reply.size == 3


async def test_an_error_before_the_first_chunk_is_a_proper_answer(sent: Sent, reply: Reply) -> None:
    chunks = Chunks(InvalidFieldError("voice", "is not known"))
    with pytest.raises(InvalidFieldError) as raised:
        await reply.answer(Answer(chunks))
    assert not sent
    await reply.fail(raised.value)
    assert sent[0]["status"] == 422
    assert chunks.closed


async def test_an_error_in_the_middle_leaves_the_answer_unfinished(
    sent: Sent, reply: Reply
) -> None:
    chunks = Chunks(b"a", ValueError("broke"))
    with pytest.raises(ValueError, match="broke"):
        await reply.answer(Answer(chunks))
    await reply.fail(ValueError("broke"))
    assert sent[-1] == {"type": "http.response.body", "body": b"a", "more_body": True}
    assert chunks.closed


async def test_a_stream_without_chunks_is_an_empty_answer(sent: Sent, reply: Reply) -> None:
    await reply.answer(Answer(Chunks()))
    assert sent[-1] == {"type": "http.response.body", "body": b""}
