"""multipart/form-data: text fields and one file."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from fleetserve.errors import BadRequestError, InvalidFieldError
from fleetserve.spooled_file import SpooledFile

MAX_FIELDS = 64
MAX_FIELD_BYTES = 65_536
STEP_BYTES = 1 << 20  # Of a spooled body, read at one time.


@dataclass(slots=True)
class Form:
    """What a form holds; a repeated text field keeps all its values, in order.

    Attributes:
        spooled: Files of a form that is spooled itself, in place of ``files``.
    """

    fields: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    spooled: dict[str, SpooledFile] = field(default_factory=dict)


class _Part:
    def __init__(self) -> None:
        self.header_name = b""
        self.header_value = b""
        self.name: str | None = None
        self.is_file = False
        self.data = bytearray()
        self.spooled: SpooledFile | None = None


class FormReader:
    """Collects the parts while the parser runs over the body; one body per reader.

    Args:
        folder: Where files are spooled; None: they stay in memory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.form = Form()
        self.finished = False
        self._part = _Part()
        self._count = 0

    def on_part_begin(self) -> None:
        self._part = _Part()
        self._count += 1
        if self._count > MAX_FIELDS:
            raise BadRequestError(f"The form has more than {MAX_FIELDS} parts.")

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def on_header_end(self) -> None:
        part = self._part
        if part.header_name.lower() == b"content-disposition":
            _kind, options = parse_options_header(part.header_value)
            name = options.get(b"name")
            part.name = None if name is None else name.decode("utf-8", "replace")
            part.is_file = b"filename" in options
        part.header_name = part.header_value = b""

    def on_headers_finished(self) -> None:
        if self._part.name is None:
            raise BadRequestError("A part of the form has no name.")
        if self._part.is_file and self._folder is not None:
            self._part.spooled = SpooledFile(self._folder)

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.spooled is not None:
            part.spooled.write(memoryview(data)[start:end])
            return
        part.data += memoryview(data)[start:end]
        if not part.is_file and len(part.data) > MAX_FIELD_BYTES:
            raise InvalidFieldError(part.name or "", f"is over {MAX_FIELD_BYTES} bytes")

    def on_part_end(self) -> None:
        part, form = self._part, self.form
        name = part.name or ""
        if part.is_file:
            if name in form.files or name in form.spooled:
                raise InvalidFieldError(name, "more than one file was sent; send one")
            if part.spooled is None:
                form.files[name] = bytes(part.data)
            else:
                form.spooled[name] = part.spooled
        else:
            text = part.data.decode("utf-8", "replace")
            form.fields.setdefault(name, []).append(text)

    def on_end(self) -> None:
        self.finished = True


def read_form(body: bytes | SpooledFile, content_type: str) -> Form:
    """The form in a body; of one that is spooled, the files are spooled beside it.

    Raises: BadRequestError: no boundary, broken, or cut off; InvalidFieldError: a text field
    is too long, or a file came twice.
    """
    _media, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise BadRequestError("The Content-Type of the form names no boundary.")
    reader = FormReader(body.folder if isinstance(body, SpooledFile) else None)
    names = [name for name in dir(reader) if name.startswith("on_")]
    callbacks = {name: getattr(reader, name) for name in names}
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
        for step in _steps(body):
            parser.write(step)
        parser.finalize()
    except FormParserError as exc:
        raise BadRequestError(f"The form can't be read: {exc}") from None
    if not reader.finished:
        raise BadRequestError("The form is cut off: its closing boundary is missing.")
    return reader.form


def _steps(body: bytes | SpooledFile) -> Iterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    for place in range(0, body.size, STEP_BYTES):
        yield body.read_at(place, STEP_BYTES)
