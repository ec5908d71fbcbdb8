from collections.abc import Iterable

import orjson
import pytest

from fleetserve.asgi import (
    ClientGoneError,
    Message,
    Receive,
    header,
    read_body,
    send_error,
    send_response,
)
from fleetserve.errors import ForbiddenError, PayloadTooLargeError


def receiving(messages: Iterable[Message]) -> Receive:
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    return receive


def chunks(*parts: bytes) -> list[Message]:
    last = len(parts) - 1
    return [
        {"type": "http.request", "body": part, "more_body": number < last}
        for number, part in enumerate(parts)
    ]


class Sent(list[Message]):
    async def send(self, message: Message) -> None:
        self.append(message)


def test_first_header_of_the_name_counts() -> None:
    scope = {"headers": [(b"a", b"1"), (b"b", b"2"), (b"b", b"3")]}
    assert header(scope, b"b") == b"2"
    assert header(scope, b"c") is None


@pytest.mark.parametrize("parts", [(b"",), (b"abcd",), (b"ab", b"cd"), (b"", b"abcd", b"")])
async def test_body_within_the_limit_is_whole(parts: tuple[bytes, ...]) -> None:
    assert await read_body(receiving(chunks(*parts)), 4) == b"".join(parts)


@pytest.mark.parametrize("parts", [(b"abcde",), (b"ab", b"cde"), (b"abcd", b"", b"e")])
async def test_body_over_the_limit_is_refused(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(PayloadTooLargeError):
        await read_body(receiving(chunks(*parts)), 4)


async def test_body_over_the_limit_is_not_read_to_its_end() -> None:
    endless = ({"type": "http.request", "body": b"x" * 10, "more_body": True} for _ in range(10))
    with pytest.raises(PayloadTooLargeError):
        await read_body(receiving(endless), 25)
    assert len(list(endless)) == 7


@pytest.mark.parametrize("before", [[], chunks(b"ab", b"")[:1]])
async def test_caller_that_breaks_off_is_no_error_of_the_tree(before: list[Message]) -> None:
    with pytest.raises(ClientGoneError):
        await read_body(receiving([*before, {"type": "http.disconnect"}]), 4)


async def test_response_has_its_length() -> None:
    sent = Sent()
    await send_response(sent.send, 200, [(b"a", b"1")], b"abc")
    assert sent[0] == {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"a", b"1"), (b"content-length", b"3")],
    }
    assert sent[1]["body"] == b"abc"


async def test_error_is_rendered_in_the_contracts_shape() -> None:
    sent = Sent()
    assert await send_error(sent.send, ForbiddenError("No."), "r-1") == 403
    assert (b"x-request-id", b"r-1") in sent[0]["headers"]
    assert orjson.loads(sent[1]["body"])["code"] == "forbidden"
