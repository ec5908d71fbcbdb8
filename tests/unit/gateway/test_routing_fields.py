import io
from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetserve.errors import BadRequestError, FleetError, InvalidFieldError, UnsupportedMediaError
from gateway.bodies import Body
from gateway.routing_fields import THREAD_ABOVE, RoutingFields, routing_fields

JSON = {b"content-type": b"application/json"}


def held(content: bytes) -> Body:
    return Body(content, None, len(content))


async def read(
    content: bytes, headers: Mapping[bytes, bytes] = JSON, query: bytes = b""
) -> RoutingFields:
    return await routing_fields(headers, query, held(content))


def form(parts: dict[str, bytes], file: bytes | None = None) -> tuple[dict[bytes, bytes], bytes]:
    """Headers and body of a multipart form."""
    content = io.BytesIO()
    for name, value in parts.items():
        content.write(b'--edge\r\ncontent-disposition: form-data; name="%s"\r\n' % name.encode())
        content.write(b"\r\n" + value + b"\r\n")
    if file is not None:
        content.write(b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n')
        content.write(b"Content-Type: audio/wav\r\n\r\n" + file + b"\r\n")
    content.write(b"--edge--\r\n")
    return {b"content-type": b"multipart/form-data; boundary=edge"}, content.getvalue()


async def test_fields_are_taken_and_the_rest_passed_over() -> None:
    content = {"inputs": [[1, 2], {"deep": None}], "model_name": "m", "timeout": 2.5}
    fields = await read(orjson.dumps({**content, "priority": 7, "token": "t"}))
    assert fields == RoutingFields("m", 2.5, 7, "t")


async def test_what_is_left_out_has_its_default() -> None:
    assert await read(b'{"model": "m"}') == RoutingFields("m", None, 0, None)


@pytest.mark.parametrize(
    ("content", "headers", "query", "model"),
    [
        (b'{"model_name":"a","model":"b"}', {b"x-model-name": b"c"}, b"model_name=d", "a"),
        (b'{"model":"b"}', {b"x-model-name": b"c"}, b"model_name=d", "b"),
        (b"{}", {b"x-model-name": b"c"}, b"model_name=d", "c"),
        (b"{}", {}, b"model_name=d%2De&x=1", "d-e"),
        (b"{}", {}, b"model=d", "d"),
        (b'{"model_name":null}', {}, b"model=d", "d"),
    ],
)
async def test_model_is_named_in_the_body_a_header_or_the_query(
    content: bytes, headers: dict[bytes, bytes], query: bytes, model: str
) -> None:
    fields = await read(content, {**JSON, **headers}, query)
    assert fields.model == model


@pytest.mark.parametrize("kind", [b"application/json; charset=utf-8", b"Application/JSON"])
async def test_content_type_is_read_as_http_means_it(kind: bytes) -> None:
    assert (await read(b'{"model":"m"}', {b"content-type": kind})).model == "m"


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"{}", "model_name"),
        (b'{"model_name":""}', "model_name"),
        (b'{"model_name":5}', "model_name"),
        (b'{"model":"m","timeout":"30"}', "timeout"),
        (b'{"model":"m","timeout":0}', "timeout"),
        (b'{"model":"m","timeout":-1}', "timeout"),
        (b'{"model":"m","timeout":86401}', "timeout"),
        (b'{"model":"m","priority":11}', "priority"),
        (b'{"model":"m","priority":-1}', "priority"),
        (b'{"model":"m","priority":1.5}', "priority"),
        (b"[1,2]", "body"),
        (b'"text"', "body"),
    ],
)
async def test_wrong_field_is_named(content: bytes, field: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        await read(content)
    assert caught.value.field == field


@pytest.mark.parametrize("content", [b"", b"{", b"model=m", b"\xff\xfe", b'{"model":"m"} more'])
async def test_what_is_not_json_is_a_bad_request(content: bytes) -> None:
    with pytest.raises(BadRequestError) as caught:
        await read(content)
    assert caught.value.code == "invalid_json"


@pytest.mark.parametrize(
    "kind", [b"", b"text/plain", b"application/x-www-form-urlencoded", b"application/jsonish"]
)
async def test_what_a_web_page_could_send_unasked_is_refused(kind: bytes) -> None:
    with pytest.raises(UnsupportedMediaError, match="application/json"):
        await read(b'{"model":"m"}', {b"content-type": kind} if kind else {})


async def test_large_body_is_read_too() -> None:
    content = orjson.dumps({"inputs": "x" * THREAD_ABOVE, "model_name": "m", "priority": 3})
    assert (await read(content)).priority == 3


async def test_large_body_that_is_wrong_is_told_so() -> None:
    with pytest.raises(InvalidFieldError):
        await read(orjson.dumps({"inputs": "x" * THREAD_ABOVE}))


class TestForm:
    async def test_fields_are_found_beside_the_file(self) -> None:
        parts = {"model_name": b"m", "timeout": b"2.5", "priority": b"4", "other": b"x"}
        headers, content = form(parts, b"RIFF" * 1000)
        assert await read(content, headers) == RoutingFields("m", 2.5, 4, None)

    async def test_fields_behind_a_large_file_are_found(self) -> None:
        headers, content = form({}, b"\x00" * (3 * 1024 * 1024))
        tail = b'--edge\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n--edge--\r\n'
        content = content.removesuffix(b"--edge--\r\n") + tail
        assert (await read(content, headers)).model == "m"

    async def test_file_of_a_fields_name_is_a_file(self) -> None:
        headers, content = form({"model": b"m"}, b"data")
        content = content.replace(b'name="file"', b'name="model_name"')
        assert (await read(content, headers)).model == "m"

    async def test_model_may_stand_in_the_query(self) -> None:
        headers, content = form({}, b"data")
        assert (await read(content, headers, b"model_name=m")).model == "m"

    @pytest.mark.parametrize(
        ("name", "value"), [("timeout", b"soon"), ("timeout", b"nan"), ("priority", b"11")]
    )
    async def test_wrong_field_is_named(self, name: str, value: bytes) -> None:
        headers, content = form({"model": b"m", name: value})
        with pytest.raises(InvalidFieldError) as caught:
            await read(content, headers)
        assert caught.value.field == name

    async def test_form_without_a_boundary_is_a_bad_request(self) -> None:
        with pytest.raises(BadRequestError, match="boundary"):
            await read(b"", {b"content-type": b"multipart/form-data"})

    async def test_what_is_no_form_is_a_bad_request(self) -> None:
        headers, _ = form({})
        with pytest.raises(BadRequestError, match="multipart"):
            await read(b"no form at all", headers)

    async def test_endless_field_is_not_gathered(self) -> None:
        headers, content = form({"model_name": b"m" * 5_000_000})
        assert len((await read(content, headers)).model) < 2_000_000


@given(content=st.binary(max_size=200), kind=st.sampled_from(["json", "form"]))
def test_any_bytes_give_fields_or_an_error_of_the_tree(content: bytes, kind: str) -> None:
    headers = JSON if kind == "json" else form({})[0]
    # Nothing here is large enough for a thread, so the coroutine ends at its first step.
    with pytest.raises((StopIteration, FleetError)) as caught:
        read(content, headers).send(None)
    if isinstance(caught.value, FleetError):
        assert 400 <= caught.value.status < 500
