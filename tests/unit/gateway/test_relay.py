from collections.abc import AsyncIterator

import orjson
import pytest

from fleetserve.asgi import Message
from fleetserve.clock import ManualClock
from fleetserve.errors import DeadlineError, UpstreamError
from gateway.relay import Relay
from gateway.reply import open_reply
from gateway.upstream.base import BrokenAnswerError
from gateway.upstream.memory import MemoryAnswer


class Sent:
    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(m["body"] for m in self.messages[1:])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.messages[0]["headers"])


class Chunks(MemoryAnswer):
    """A body in these pieces."""

    def __init__(self, kind: bytes, *pieces: bytes, breaks: bool = False) -> None:
        super().__init__(200, [(b"content-type", kind)], breaks=breaks)
        self.pieces = pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece
        if self.breaks:
            raise BrokenAnswerError("broke off")


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def relay(sent: Sent, clock: ManualClock) -> Relay:
    return Relay(sent, "r-1", clock)


async def test_whole_reply_is_passed_on_with_its_id_and_time(
    relay: Relay, sent: Sent, clock: ManualClock
) -> None:
    clock.move(0.25)
    headers = [(b"content-length", b"2"), (b"content-type", b"application/json")]
    await relay.pass_on(await open_reply(MemoryAnswer(201, headers, b"{}")))
    assert sent.messages[0]["status"] == relay.status == 201
    assert sent.headers == {
        b"content-type": b"application/json",
        b"x-request-id": b"r-1",
        b"x-process-time": b"0.250000",
        b"content-length": b"2",
    }
    assert sent.body == b"{}"
    assert relay.bytes_out == 2
    assert not sent.messages[-1]["more_body"]


async def test_stream_is_passed_on_piece_by_piece(relay: Relay, sent: Sent) -> None:
    await relay.pass_on(await open_reply(Chunks(b"audio/wav", b"ab", b"c")))
    assert [m["body"] for m in sent.messages[1:]] == [b"ab", b"c", b""]
    assert [m["more_body"] for m in sent.messages[1:]] == [True, True, False]
    assert b"content-length" not in sent.headers
    assert relay.bytes_out == 3


async def test_body_that_breaks_off_is_left_unfinished(relay: Relay, sent: Sent) -> None:
    with pytest.raises(UpstreamError) as caught:
        await relay.pass_on(await open_reply(Chunks(b"audio/wav", b"ab", breaks=True)))
    with pytest.raises(UpstreamError):
        await relay.fail(caught.value)
    assert sent.body == b"ab"
    assert sent.messages[-1]["more_body"]


@pytest.mark.parametrize("piece", [b"data: 1\n\n", b"data: half an ev"])
async def test_event_stream_that_breaks_off_ends_with_an_error_event(
    relay: Relay, sent: Sent, piece: bytes
) -> None:
    with pytest.raises(UpstreamError) as caught:
        await relay.pass_on(await open_reply(Chunks(b"text/event-stream", piece, breaks=True)))
    await relay.fail(caught.value)
    begun, _, event = sent.body.partition(b"event: error\ndata: ")
    assert begun == piece + b"\n\n"
    error = orjson.loads(event)
    assert (error["success"], error["code"], error["request_id"]) == (False, "upstream_lost", "r-1")
    assert event.endswith(b"\n\n")
    assert not sent.messages[-1]["more_body"]


async def test_event_stream_whose_time_is_over_ends_with_an_error_event(
    relay: Relay, sent: Sent
) -> None:
    reply = await open_reply(Chunks(b"text/event-stream", b"data: 1\n\n"))
    relay._sends_events = True
    await relay._start(reply)
    await relay.fail(DeadlineError("too late"))
    assert b'"code":"deadline_exceeded"' in sent.body


async def test_error_before_an_answer_is_rendered(relay: Relay, sent: Sent) -> None:
    await relay.fail(DeadlineError("too late"))
    assert sent.messages[0]["status"] == relay.status == 504
    assert orjson.loads(sent.body)["detail"] == "too late"


async def test_error_outside_the_tree_tells_nothing(relay: Relay, sent: Sent) -> None:
    await relay.fail(ValueError("s3cret"))
    assert sent.messages[0]["status"] == 500
    assert b"s3cret" not in sent.body


def test_client_that_got_nothing_has_status_499(relay: Relay) -> None:
    assert relay.status == 499


def test_time_counts_from_when_the_body_was_here(relay: Relay, clock: ManualClock) -> None:
    clock.move(5.0)
    relay.received()
    assert relay.received_s - relay.begin_s == 5.0


async def test_own_answer_is_json_with_its_id(relay: Relay, sent: Sent) -> None:
    await relay.answer(202, [(b"location", b"/jobs/a")], b"{}")
    assert (relay.status, relay.started, relay.bytes_out) == (202, True, 2)
    assert sent.headers[b"location"] == b"/jobs/a"
    assert sent.headers[b"content-type"] == b"application/json"
    assert sent.headers[b"x-request-id"] == b"r-1"
    assert sent.body == b"{}"
