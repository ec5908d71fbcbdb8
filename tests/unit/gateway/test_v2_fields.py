import orjson
import pytest

from fleetserve.errors import BadRequestError, InvalidFieldError, UnsupportedMediaError
from gateway.bodies import Body
from gateway.routing_fields import THREAD_ABOVE, RoutingFields
from gateway.v2_fields import HEAD_LENGTH, no_fields, v2_fields


async def read(
    content: bytes, headers: dict[bytes, bytes] | None = None, *, length: int | None = None
) -> RoutingFields:
    given = dict(headers or {})
    if length is not None:
        given[HEAD_LENGTH] = b"%d" % length
    return await v2_fields(given, b"", Body(content, None, len(content)))


async def test_nothing_said_is_the_servers_own_default() -> None:
    assert await read(b'{"inputs":[]}') == RoutingFields("", None, 0, None)


async def test_timeout_is_in_microseconds() -> None:
    assert (await read(b'{"parameters":{"timeout":1500000}}')).timeout_s == 1.5
    assert (await read(b'{"parameters":{"timeout":0}}')).timeout_s is None


@pytest.mark.parametrize(
    ("level", "priority"), [(0, 0), (1, 10), (2, 9), (10, 1), (11, 0), (99, 0)]
)
async def test_level_1_is_the_most_urgent(level: int, priority: int) -> None:
    content = orjson.dumps({"parameters": {"priority": level}})
    assert (await read(content)).priority == priority


async def test_tensors_behind_the_head_are_not_looked_at() -> None:
    head = b'{"parameters":{"timeout":2000000}}'
    assert (await read(head + b"\xff\x00{", length=len(head))).timeout_s == 2.0


async def test_head_may_be_in_two_pieces() -> None:
    head = b'{"parameters":{"timeout":2000000}}'
    body = Body(None, None, len(head) + 2)
    body.parts = [head[:5], head[5:] + b"\xff\xff"]
    fields = await v2_fields({HEAD_LENGTH: b"%d" % len(head)}, b"", body)
    assert fields.timeout_s == 2.0


async def test_large_json_is_read_in_a_thread_all_the_same() -> None:
    content = orjson.dumps({"parameters": {"priority": 1}, "more": "x" * THREAD_ABOVE})
    assert (await read(content)).priority == 10


async def test_compressed_body_is_the_replicas() -> None:
    assert (await read(b"\x1f\x8b", {b"content-encoding": b"gzip"})).timeout_s is None


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b'{"parameters":{"timeout":-1}}', "parameters.timeout"),
        (b'{"parameters":{"timeout":"soon"}}', "parameters.timeout"),
        (b'{"parameters":{"timeout":99999999999999}}', "parameters.timeout"),
        (b'{"parameters":{"priority":-1}}', "parameters.priority"),
    ],
)
async def test_wrong_parameter_is_named(content: bytes, field: str) -> None:
    with pytest.raises(InvalidFieldError) as raised:
        await read(content)
    assert raised.value.field == field


@pytest.mark.parametrize("length", ["99", "-1", "x", ""])
async def test_head_that_is_longer_than_the_body_is_refused(length: str) -> None:
    with pytest.raises(BadRequestError, match="Inference-Header-Content-Length"):
        await read(b"{}", {HEAD_LENGTH: length.encode()})


async def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(BadRequestError, match="not JSON"):
        await read(b"\xff")


@pytest.mark.parametrize("kind", [b"", b"text/plain", b"application/x-www-form-urlencoded"])
async def test_web_page_of_another_origin_has_to_ask_first(kind: bytes) -> None:
    headers = {b"origin": b"https://evil.example"} | ({b"content-type": kind} if kind else {})
    with pytest.raises(UnsupportedMediaError):
        await read(b"{}", headers)
    assert await read(b"{}", {**headers, b"content-type": b"application/json; charset=utf-8"})
    assert await read(b"{}", headers, length=2)


async def test_routes_without_fields_have_none() -> None:
    assert await no_fields({}, b"", Body(b"x", None, 1)) == RoutingFields("", None, 0, None)
