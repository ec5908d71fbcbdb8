import io
from pathlib import Path
from typing import BinaryIO

import pytest

from fleetserve.errors import BadRequestError, FleetError, InvalidFieldError, UnsupportedMediaError
from gateway.bodies import Body
from gateway.jobs.batch_upload import Upload, read_upload

LINES = b'[1,2]\n\n"two"\r\n   \n{"inputs":3}'
NDJSON = "application/x-ndjson"


def form(file: bytes = LINES, **fields: str) -> tuple[str, bytes]:
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n'
    return "multipart/form-data; boundary=b", b"".join(parts) + head + file + b"\r\n--b--\r\n"


def read(kind: str, content: bytes, query: bytes = b"") -> Upload:
    return read_upload(kind, query, Body(content, None, len(content)), io.BytesIO)


@pytest.mark.parametrize("kind", [NDJSON, "application/jsonl; charset=utf-8"])
def test_body_itself_may_be_the_lines(kind: str) -> None:
    upload = read(kind, LINES, b"model=m&parameters=%7B%22top_k%22%3A2%7D&priority=4")
    assert (upload.model, upload.lines) == ("m", 3)
    assert (upload.fields.parameters, upload.fields.priority) == ({"top_k": 2}, 4)
    assert upload.content.read() == LINES


def test_spooled_body_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "spooled"
    path.write_bytes(LINES)
    with path.open("rb") as file:
        file.seek(5)
        upload = read_upload(NDJSON, b"model_name=m", Body(None, file, len(LINES)), io.BytesIO)
        assert upload.lines == 3
        assert upload.content.read() == LINES


def test_form_has_file_and_fields(tmp_path: Path) -> None:
    opened: list[BinaryIO] = []

    def open_file() -> BinaryIO:
        opened.append(io.BytesIO())
        return opened[-1]

    kind, content = form(model_name="m", webhook_url="http://a/", unknown="x")
    body = Body(content, None, len(content))
    upload = read_upload(kind, b"model_name=other", body, open_file)
    assert (upload.model, upload.fields.webhook_url) == ("m", "http://a/")
    assert upload.content is opened[0]
    assert upload.content.read() == LINES


@pytest.mark.parametrize(
    ("kind", "content", "query", "error", "names"),
    [
        ("text/plain", LINES, b"model=m", UnsupportedMediaError, "x-ndjson"),
        ("", LINES, b"model=m", UnsupportedMediaError, "none"),
        (NDJSON, b"\n \n", b"model=m", InvalidFieldError, "file"),
        (NDJSON, LINES, b"", InvalidFieldError, "model_name"),
        (NDJSON, LINES, b"model=m&priority=11", InvalidFieldError, "priority"),
        (NDJSON, LINES, b"model=m&priority=high", InvalidFieldError, "priority"),
        (NDJSON, LINES, b"model=m&parameters=[1]", InvalidFieldError, "parameters"),
        (NDJSON, LINES, b"model=m&parameters={", InvalidFieldError, "parameters"),
        ("multipart/form-data", LINES, b"model=m", BadRequestError, "boundary"),
        ("multipart/form-data; boundary=b", b"--b--\r\n", b"model=m", BadRequestError, "file"),
    ],
)
def test_wrong_upload_is_refused_by_name(
    kind: str, content: bytes, query: bytes, error: type[FleetError], names: str
) -> None:
    with pytest.raises(error, match=names):
        read(kind, content, query)
