from collections.abc import AsyncIterator

import orjson
import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import DeadlineError, InvalidFieldError
from fleetserve.replica.event_stream import end_with_error, event_bytes, in_time
from fleetserve.replica.exchange import ReplicaRequest

LATE = "The time was over."


@pytest.fixture
def request_() -> ReplicaRequest:
    return ReplicaRequest("/", b"", {}, b"", "", "r1", None, None, 0, 0.0, 30.0, False)


async def failing(events: int, exc: Exception) -> AsyncIterator[bytes]:
    for number in range(events):
        yield event_bytes("delta", number)
    raise exc


def test_event_has_its_name_and_one_line_of_data() -> None:
    assert event_bytes("delta", {"text": "a\nb"}) == b'event: delta\ndata: {"text":"a\\nb"}\n\n'


async def test_failure_before_the_first_event_is_raised(request_: ReplicaRequest) -> None:
    with pytest.raises(InvalidFieldError):
        await anext(end_with_error(request_, failing(0, InvalidFieldError("x", "is wrong"))))


@pytest.mark.parametrize(
    ("exc", "detail"),
    [(InvalidFieldError("x", "is wrong"), "x: is wrong"), (ValueError("secret"), None)],
)
async def test_later_failure_is_the_last_event(
    request_: ReplicaRequest, exc: Exception, detail: str | None
) -> None:
    events = [event async for event in end_with_error(request_, failing(2, exc))]
    assert events[:2] == [event_bytes("delta", 0), event_bytes("delta", 1)]
    name, data = events[2].decode().splitlines()[:2]
    told = orjson.loads(data.removeprefix("data: "))
    assert name == "event: error"
    assert told["request_id"] == "r1"
    assert "secret" not in data
    assert detail is None or told["detail"] == detail


async def test_failure_for_openais_clients_has_no_name(request_: ReplicaRequest) -> None:
    request_.path = "/v1/completions"
    failed = InvalidFieldError("x", "is wrong")
    events = [event async for event in end_with_error(request_, failing(1, failed))]
    assert events[1].startswith(b'data: {"error":{"message":"x: is wrong"')
    assert events[1].endswith(b"\n\n")


async def test_leaving_closes_what_makes_the_events(request_: ReplicaRequest) -> None:
    closed = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x"
        finally:
            closed.append(True)

    events = end_with_error(request_, endless())
    await anext(events)
    await events.aclose()  # type: ignore[attr-defined]
    assert closed == [True]


async def test_items_pass_until_the_deadline_and_then_it_says_so() -> None:
    clock = SystemClock()

    async def stalling() -> AsyncIterator[int]:
        yield 1
        await clock.sleep(60.0)

    items = in_time(stalling(), clock.monotonic_s() + 0.2, clock, LATE)
    assert await anext(items) == 1
    with pytest.raises(DeadlineError, match=LATE):
        await anext(items)


async def test_items_that_end_in_time_end() -> None:
    async def two() -> AsyncIterator[int]:
        yield 1
        yield 2

    clock = SystemClock()
    assert [one async for one in in_time(two(), clock.monotonic_s() + 30, clock, LATE)] == [1, 2]
