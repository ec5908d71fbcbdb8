"""Reads the upload of a batch: JSON lines as the body itself, or as a file in a form."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import parse_qsl

import msgspec

from fleetserve.errors import InvalidFieldError, UnsupportedMediaError
from gateway import form
from gateway.bodies import Body

# A web page can't send these to a local fleet without asking first, as it could plain text.
LINE_KINDS = frozenset(
    {
        "application/x-ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/jsonlines",
    }
)


class BatchFields(msgspec.Struct, frozen=True):
    """What the query or the form says beside the lines; a form's fields win."""

    model_name: str | None = None
    model: str | None = None
    parameters: dict[str, Any] = {}
    priority: int = 0
    webhook_url: str | None = None


# msgspec makes its plan of a type at the first use, and crashes where two threads do that at once.
msgspec.json.Decoder(BatchFields)


@dataclass(frozen=True, slots=True)
class Upload:
    """``lines`` counts those that are not blank; ``content`` is at its beginning."""

    fields: BatchFields
    lines: int
    content: BinaryIO

    @property
    def model(self) -> str:
        return self.fields.model_name or self.fields.model or ""


def read_upload(kind: str, query: bytes, body: Body, open_file: Callable[[], BinaryIO]) -> Upload:
    """Blocking, and in pieces: never all of a large upload is in memory.

    Args:
        kind: The content type.
        query: As it came.
        body: The upload; must be kept as long as what is returned.
        open_file: Makes a nameless file for the lines of a form; the caller closes it.

    Raises: UnsupportedMediaError, BadRequestError: it can't be read. InvalidFieldError: a field
        is wrong, or there is no line.
    """
    name = kind.partition(";")[0].strip().lower()
    fields = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    if name in LINE_KINDS:
        content = body.file if body.file is not None else io.BytesIO(body.data or b"")
    elif name == form.KIND:
        content = open_file()
        known = BatchFields.__struct_fields__
        fields |= form.read_form(kind, body.view(), known, content.write)
    else:
        raise UnsupportedMediaError(
            f"Content-Type {kind or 'none'} is not taken here; send the lines as"
            " application/x-ndjson, or as `file` of multipart/form-data."
        )
    content.seek(0)
    lines = sum(1 for line in content if line.strip())
    if not lines:
        raise InvalidFieldError("file", "there is no line in it; each line is one input as JSON")
    content.seek(0)
    return Upload(_checked(fields), lines, content)


def _checked(fields: Mapping[str, str]) -> BatchFields:
    known: dict[str, Any] = {k: v for k, v in fields.items() if k in BatchFields.__struct_fields__}
    if "parameters" in known:
        try:
            known["parameters"] = msgspec.json.decode(known["parameters"])
        except msgspec.DecodeError as exc:
            raise InvalidFieldError("parameters", f"not JSON: {exc}") from None
    try:
        found = msgspec.convert(known, BatchFields, strict=False)
    except msgspec.ValidationError as exc:
        message, _, path = str(exc).partition(" - at `$")
        raise InvalidFieldError(path.strip("`.") or "body", message) from None
    if not found.model_name and not found.model:
        raise InvalidFieldError("model_name", "required; GET /models lists the models")
    if not 0 <= found.priority <= 10:
        raise InvalidFieldError("priority", f"{found.priority} is not within 0 to 10")
    return found
