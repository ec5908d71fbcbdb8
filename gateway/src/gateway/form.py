"""multipart/form-data, read in pieces: wanted fields are kept, a file is passed on."""

from collections.abc import Callable, Collection
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from fleetserve.errors import BadRequestError

KIND = "multipart/form-data"
FILE = "file"
MAX_FIELD = 64 * 1024
_PIECE = 1024 * 1024
_CALLBACKS = (
    "on_part_begin",
    "on_header_field",
    "on_header_value",
    "on_header_end",
    "on_part_data",
)


class _Parts:
    """What the parser calls."""

    def __init__(self, wanted: Collection[str], on_file: Callable[[bytes], object] | None) -> None:
        self.found: dict[str, bytes] = {}
        self.files = 0
        self._wanted = wanted
        self._on_file = on_file
        self._header_name = b""
        self._header_value = b""
        self._field: str | None = None
        self._in_file = False

    def on_part_begin(self) -> None:
        self._field, self._in_file = None, False

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            _, options = parse_options_header(self._header_value)
            name = options.get(b"name", b"").decode("utf-8", "replace")
            self._begin(name, has_filename=b"filename" in options)
        self._header_name = self._header_value = b""

    def _begin(self, name: str, *, has_filename: bool) -> None:
        if name == FILE:
            self._in_file = True
            self.files += 1
        elif name in self._wanted and not has_filename:
            self._field = name
            self.found[name] = b""

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file and self._on_file is not None:
            self._on_file(data[start:end])
        elif self._field is not None and len(self.found[self._field]) < MAX_FIELD:
            self.found[self._field] += data[start:end]


def read_form(
    kind: str,
    content: bytes | memoryview,
    wanted: Collection[str],
    on_file: Callable[[bytes], object] | None = None,
) -> dict[str, str]:
    """The fields of those names; where ``on_file`` is given, it gets the part ``file`` in pieces.

    Raises: BadRequestError: it can't be read, or a file is wanted and there is not just one.
    """
    boundary = parse_options_header(kind)[1].get(b"boundary")
    if not boundary:
        raise BadRequestError("multipart/form-data without a boundary in Content-Type.")
    parts = _Parts(wanted, on_file)
    callbacks: Any = {name: getattr(parts, name) for name in _CALLBACKS}
    view = memoryview(content)
    try:
        parser = MultipartParser(boundary, callbacks)
        for begin in range(0, len(view), _PIECE):
            parser.write(bytes(view[begin : begin + _PIECE]))
        parser.finalize()
    except (ValueError, MultipartParseError) as exc:
        raise BadRequestError(f"The body is not multipart/form-data: {exc}") from None
    if on_file is not None and parts.files != 1:
        raise BadRequestError(f"There must be one part named {FILE!r}, not {parts.files}.")
    return {name: value.decode("utf-8", "replace") for name, value in parts.found.items()}
