from pathlib import Path

import pytest

from fleetserve.errors import BadRequestError, InvalidFieldError
from fleetserve.multipart import MAX_FIELD_BYTES, MAX_FIELDS, read_form
from fleetserve.spooled_file import SpooledFile
from tests.forms import BOUNDARY, form_body

CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def test_fields_and_file_are_told_apart() -> None:
    body = form_body({"a": "é", "b": ["1", "2"]}, {"file": b"\0\r\n--x\xff"})
    form = read_form(body, CONTENT_TYPE)
    assert form.fields == {"a": ["é"], "b": ["1", "2"]}
    assert form.files == {"file": b"\0\r\n--x\xff"}


def test_large_file_comes_through_whole() -> None:
    data = bytes(range(256)) * 40_000
    assert read_form(form_body({}, {"file": data}), CONTENT_TYPE).files["file"] == data


def test_boundary_may_be_quoted() -> None:
    quoted = f'multipart/form-data; boundary="{BOUNDARY}"'
    assert read_form(form_body({"a": "1"}, {}), quoted).fields == {"a": ["1"]}


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary="])
def test_missing_boundary_is_a_bad_request(content_type: str) -> None:
    with pytest.raises(BadRequestError, match="boundary"):
        read_form(form_body({"a": "1"}, {}), content_type)


@pytest.mark.parametrize("body", [b"", b"nonsense", form_body({"a": "1"}, {})[:-8]])
def test_form_that_is_cut_or_broken_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequestError, match="form"):
        read_form(body, CONTENT_TYPE)


def test_part_without_a_name_is_a_bad_request() -> None:
    body = form_body({"a": "1"}, {}).replace(b'; name="a"', b"")
    with pytest.raises(BadRequestError, match="name"):
        read_form(body, CONTENT_TYPE)


def test_second_file_of_a_name_is_refused() -> None:
    one, other = (form_body({}, {"file": data}) for data in (b"1", b"2"))
    end = f"--{BOUNDARY}--\r\n".encode()
    with pytest.raises(InvalidFieldError, match="more than one"):
        read_form(one.removesuffix(end) + other, CONTENT_TYPE)


def test_overlong_text_and_too_many_parts_are_refused() -> None:
    with pytest.raises(InvalidFieldError, match="over"):
        read_form(form_body({"a": "x" * (MAX_FIELD_BYTES + 1)}, {}), CONTENT_TYPE)
    with pytest.raises(BadRequestError, match="parts"):
        read_form(form_body({"a": ["x"] * (MAX_FIELDS + 1)}, {}), CONTENT_TYPE)


def test_files_of_a_spooled_form_are_spooled_beside_it(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    body = SpooledFile(tmp_path)
    body.write(form_body({"a": "é"}, {"file": data}))
    form = read_form(body, CONTENT_TYPE)
    assert form.fields == {"a": ["é"]}
    assert form.files == {}
    assert form.spooled["file"].open().read() == data
    assert form.spooled["file"].folder == tmp_path


def test_second_file_of_a_spooled_form_is_refused_too(tmp_path: Path) -> None:
    one, other = (form_body({}, {"file": data}) for data in (b"1", b"2"))
    body = SpooledFile(tmp_path)
    body.write(one.removesuffix(f"--{BOUNDARY}--\r\n".encode()) + other)
    with pytest.raises(InvalidFieldError, match="more than one"):
        read_form(body, CONTENT_TYPE)
