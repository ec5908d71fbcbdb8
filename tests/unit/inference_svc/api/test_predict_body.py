import pytest

from fleetserve.errors import BadRequestError, InvalidFieldError, UnsupportedMediaError
from inference_svc.api.predict_body import read_body
from tests.forms import BOUNDARY, form_body

JSON = "application/json"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def test_a_body_of_what_is_required_has_the_defaults() -> None:
    body = read_body(b'{"model_name": "example", "inputs": [1, 2]}', JSON)
    assert (body.model_name, body.inputs) == ("example", [1, 2])
    assert (body.priority, body.timeout, body.enable_batching, body.stream) == (
        0,
        30.0,
        True,
        False,
    )


def test_fields_that_are_not_known_are_left_alone() -> None:
    body = read_body(b'{"inputs": "a", "token": "t", "client_version": 3}', JSON)
    assert body.inputs == "a"


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (b'{"model_name": "m"}', "inputs: is missing"),
        (b'{"model_name": 3, "inputs": 1}', "model_name: takes a string, not an integer"),
        (b'{"inputs": 1, "priority": 11}', "priority: takes an integer of at most 10"),
        (b'{"inputs": 1, "priority": -1}', "priority: takes an integer of at least 0"),
        (b'{"inputs": 1, "priority": "high"}', "priority: takes an integer, not a string"),
        (b'{"inputs": 1, "priority": true}', "priority: takes an integer, not true or false"),
        (b'{"inputs": 1, "timeout": 0}', "timeout: takes a number above 0.0"),
        (b'{"inputs": 1, "timeout": "1s"}', "timeout: takes a number, not a string"),
        (b'{"inputs": 1, "enable_batching": 1}', "enable_batching: takes true or false, not an"),
        (b'{"inputs": 1, "parameters": [1]}', "parameters: takes an object or null, not a list"),
        (b"[1]", "body: takes an object, not a list"),
    ],
)
def test_a_wrong_field_is_named(raw: bytes, detail: str) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        read_body(raw, JSON)
    assert wrong.value.detail.startswith(detail)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"not json",
        b'{"inputs": NaN}',
        b'{"inputs": "\xff"}',
        b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_what_is_not_json_is_a_bad_request(raw: bytes) -> None:
    with pytest.raises(BadRequestError):
        read_body(raw, JSON)


@pytest.mark.parametrize("media", ["application/json; charset=utf-8", "application/x+json", ""])
def test_json_by_any_of_its_names_is_taken(media: str) -> None:
    assert read_body(b'{"inputs": 1}', media).inputs == 1


def test_another_media_type_is_refused() -> None:
    with pytest.raises(UnsupportedMediaError, match="text/plain"):
        read_body(b'{"inputs": 1}', "text/plain; charset=utf-8")


def test_a_form_carries_its_input_as_a_file() -> None:
    fields: dict[str, str | list[str]] = {
        "model_name": "m",
        "priority": "3",
        "timeout": "2.5",
        "enable_batching": "false",
        "parameters": '{"top_k": 2}',
    }
    body = read_body(form_body(fields, {"file": b"\x89PNG"}), FORM)
    assert (body.model_name, body.inputs, body.parameters) == ("m", b"\x89PNG", {"top_k": 2})
    assert (body.priority, body.timeout, body.enable_batching) == (3, 2.5, False)


@pytest.mark.parametrize(
    ("fields", "files", "detail"),
    [
        ({"model_name": "m"}, {}, "file: is missing"),
        ({}, {"image": b"x"}, "image: the file belongs into the field 'file'"),
        ({"inputs": "a"}, {"file": b"x"}, "inputs: a form carries its input"),
        ({"priority": "high"}, {"file": b"x"}, "priority: takes an integer, not a string"),
        ({"parameters": "{"}, {"file": b"x"}, "parameters: is not JSON"),
        ({"parameters": "[1]"}, {"file": b"x"}, "parameters: takes an object or null, not a list"),
    ],
)
def test_a_wrong_field_of_a_form_is_named(
    fields: dict[str, str | list[str]], files: dict[str, bytes], detail: str
) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        read_body(form_body(fields, files), FORM)
    assert wrong.value.detail.startswith(detail)
