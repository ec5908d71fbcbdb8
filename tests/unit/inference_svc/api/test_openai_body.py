import msgspec
import pytest

from fleetserve.errors import BadRequestError, InvalidFieldError, UnsupportedMediaError
from inference_svc.api.openai_body import decode_body
from tests.unit.inference_svc.api.test_predict import request_of


class Body(msgspec.Struct):
    model: str
    n: int = 1


decode = msgspec.json.Decoder(Body).decode


def test_unknown_fields_are_passed_over() -> None:
    assert decode_body(decode, request_of(b'{"model":"m","user":"u"}')) == Body("m")


def test_missing_field_has_openais_code() -> None:
    with pytest.raises(InvalidFieldError) as raised:
        decode_body(decode, request_of(b"{}"))
    assert (raised.value.field, raised.value.code) == ("model", "required")


def test_wrong_field_is_named() -> None:
    with pytest.raises(InvalidFieldError) as raised:
        decode_body(decode, request_of(b'{"model":"m","n":"two"}'))
    assert (raised.value.field, raised.value.code) == ("n", "invalid_field")


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    with pytest.raises((BadRequestError, InvalidFieldError)):
        decode_body(decode, request_of(raw))


def test_another_content_type_is_refused() -> None:
    with pytest.raises(UnsupportedMediaError):
        decode_body(decode, request_of(b'{"model":"m"}', content_type="text/plain"))
