import pytest

from fleetserve.errors import BadRequestError
from gateway.form import MAX_FIELD, read_form

KIND = "multipart/form-data; boundary=b"


def part(name: str, value: bytes, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def test_wanted_fields_are_kept_and_files_passed_over() -> None:
    content = part("a", b"1") + part("b", b"2") + part("file", b"x" * 9, "f") + b"--b--\r\n"
    assert read_form(KIND, content, ["a"]) == {"a": "1"}


def test_file_is_passed_on_whole_whatever_is_in_it() -> None:
    inside, pieces = b"--\r\n--c\r\n--" * 200_000, list[bytes]()
    content = part("a", b"1") + part("file", inside, "f") + part("c", b"3") + b"--b--\r\n"
    assert read_form(KIND, content, ["a", "c"], pieces.append) == {"a": "1", "c": "3"}
    assert b"".join(pieces) == inside
    assert max(map(len, pieces)) <= 1024 * 1024


def test_field_named_as_wanted_that_is_a_file_is_none() -> None:
    assert read_form(KIND, part("a", b"1", "a.txt") + b"--b--\r\n", ["a"]) == {}


def test_field_is_kept_up_to_its_bound_only() -> None:
    content = part("a", b"x" * (3 * 1024 * 1024)) + b"--b--\r\n"
    assert MAX_FIELD <= len(read_form(KIND, content, ["a"])["a"]) <= MAX_FIELD + 1024 * 1024


@pytest.mark.parametrize("parts", [b"", part("file", b"1", "f") + part("file", b"2", "g")])
def test_one_file_is_wanted_where_it_is_asked_for(parts: bytes) -> None:
    with pytest.raises(BadRequestError, match="file"):
        read_form(KIND, parts + b"--b--\r\n", [], lambda _: None)


@pytest.mark.parametrize(
    ("kind", "content"), [("multipart/form-data", b"--b--\r\n"), (KIND, b"no form at all")]
)
def test_what_is_no_form_is_refused(kind: str, content: bytes) -> None:
    with pytest.raises(BadRequestError):
        read_form(kind, content, [])
