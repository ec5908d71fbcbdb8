"""The lines of a batch: an input into a request's body, an answer into a line of the result."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
import orjson

from fleetserve.errors import BadRequestError, FleetError, InternalError, error_body
from gateway.jobs.work import Work

_ERROR_FIELDS = ("error", "detail", "code", "field")


class _Result(msgspec.Struct):
    result: msgspec.Raw


class _Line(msgspec.Struct):
    """A line of a result, as far as a worker that takes over needs to know it."""

    index: int
    error: msgspec.Raw = msgspec.Raw()


_decode_result = msgspec.json.Decoder(_Result).decode
_decode_line = msgspec.json.Decoder(_Line).decode


@dataclass(frozen=True, slots=True)
class Written:
    """Whole lines of a result that an earlier claim wrote: how many, of how many bytes."""

    lines: int = 0
    failed: int = 0
    bytes: int = 0


def inputs(source: BinaryIO) -> Iterator[bytes]:
    """The lines that are not blank."""
    return (line for line in source if line.strip())


def body_of(work: Work, line: bytes) -> bytes:
    """The body of the request for one line.

    Raises: BadRequestError: the line is not JSON.
    """
    try:
        value: Any = orjson.loads(line)
    except orjson.JSONDecodeError as exc:
        raise BadRequestError(f"The line is not JSON: {exc}", code="invalid_json") from None
    parameters = work.parameters
    if isinstance(value, dict) and "inputs" in value:
        own = value.get("parameters") or {}
        parameters = {**parameters, **own} if isinstance(own, dict) else own
        value = value["inputs"]
    body = {"model_name": work.model, "inputs": value}
    return orjson.dumps({**body, "parameters": parameters} if parameters else body)


def result_line(index: int, status: int, content: bytes) -> tuple[bytes, bool]:
    """The line for an answer, and whether it is a failure's."""
    if status < 400:
        try:
            result = _decode_result(content).result
        except msgspec.DecodeError:
            return error_line(index, InternalError("The answer can't be read.")), True
        return b'{"index":%d,"result":%b}\n' % (index, bytes(result)), False
    try:
        told = orjson.loads(content)
        error = {name: told[name] for name in _ERROR_FIELDS if name in told}
    except (orjson.JSONDecodeError, TypeError):
        error = {}
    return orjson.dumps({"index": index, "error": {**error, "status": status}}) + b"\n", True


def error_line(index: int, exc: FleetError) -> bytes:
    """The line for an input that was not sent."""
    body = error_body(exc, "")
    error = {name: body[name] for name in _ERROR_FIELDS if name in body}
    return orjson.dumps({"index": index, "error": {**error, "status": exc.status}}) + b"\n"


def whole_lines(result: BinaryIO) -> Written:
    """What can be kept of a result that was broken off: its lines to the first bad one."""
    lines = failed = size = 0
    for line in result:
        if not line.endswith(b"\n"):
            break
        try:
            read = _decode_line(line)
        except msgspec.DecodeError:
            break
        if read.index != lines:
            break
        lines += 1
        failed += bool(bytes(read.error))
        size += len(line)
    return Written(lines, failed, size)
