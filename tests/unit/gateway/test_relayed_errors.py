import orjson
import pytest

from fleetserve.error_shapes import body_for
from fleetserve.errors import InvalidFieldError, UpstreamError, error_body
from gateway.relayed_errors import error_of


@pytest.mark.parametrize("status", [400, 403, 404, 406, 409, 413, 415, 500, 503, 504, 507])
def test_error_of_a_process_is_the_same_one_here(status: int) -> None:
    told = orjson.dumps({"success": False, "detail": "what", "code": "why"})
    error = error_of(status, [], told)
    assert (error.status, error.detail, error.code) == (status, "what", "why")


def test_field_stays_named_once() -> None:
    before = InvalidFieldError("voice", "there is none", code="no_voice")
    error = error_of(422, [], orjson.dumps(error_body(before, "r")))
    assert isinstance(error, InvalidFieldError)
    assert (error.field, error.detail, error.code) == ("voice", "voice: there is none", "no_voice")


def test_openais_shape_comes_out_as_it_went_in() -> None:
    path = "/v1/audio/speech"
    before = body_for(path, InvalidFieldError("voice", "there is none"), "r")
    again = body_for(path, error_of(400, [], orjson.dumps(before)), "r")
    assert again == before


@pytest.mark.parametrize(("told", "expected"), [(b"7", "7"), (b"soon", "1")])
def test_time_to_come_back_is_kept(told: bytes, expected: str) -> None:
    content = b'{"detail":"full","code":"overloaded"}'
    assert error_of(503, [(b"retry-after", told)], content).headers["Retry-After"] == expected


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"<html>", b'{"error":{}}'])
def test_nonsense_is_a_bad_answer(content: bytes) -> None:
    error = error_of(500, [], content)
    assert isinstance(error, UpstreamError)
    assert "500" in error.detail
