import pytest

from audio_svc.api.reading import check_fields, is_json, read_json, refuse_media
from audio_svc.api.routing import RoutedBody
from fleetserve.errors import BadRequestError, InvalidFieldError


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("Application/Problem+JSON", True),
        ("", True),
        ("text/plain", False),
        ("multipart/form-data; boundary=x", False),
    ],
)
def test_json_is_known_by_its_media_type(content_type: str, taken: bool) -> None:
    assert is_json(content_type) is taken


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a": NaN}', b"\xff"])
def test_what_is_no_json_is_a_bad_request(raw: bytes) -> None:
    with pytest.raises(BadRequestError, match="not JSON"):
        read_json(raw)


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"1", b"null"])
def test_json_that_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidFieldError, match="object"):
        read_json(raw)


def test_wrong_field_is_named() -> None:
    with pytest.raises(InvalidFieldError) as refused:
        check_fields(RoutedBody, {"priority": 11})
    assert refused.value.field == "priority"


def test_unknown_field_is_named_with_the_known_ones() -> None:
    with pytest.raises(InvalidFieldError, match=r"volumn: .*model_name, priority") as refused:
        check_fields(RoutedBody, {"volumn": 1})
    assert refused.value.field == "volumn"


def test_null_is_the_same_as_leaving_a_field_out() -> None:
    assert check_fields(RoutedBody, {"priority": None, "timeout": None}).priority == 0
    with pytest.raises(InvalidFieldError, match="surprise"):
        check_fields(RoutedBody, {"surprise": None})


def test_refused_media_names_what_is_taken() -> None:
    error = refuse_media("/synthesize", "Text/Plain; charset=x", "application/json")
    assert error.detail == "/synthesize takes application/json, not text/plain."
