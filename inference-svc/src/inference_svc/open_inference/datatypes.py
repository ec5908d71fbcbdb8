"""The data types of KServe's Open Inference Protocol V2, as numpy has them.

Source: https://github.com/kserve/open-inference-protocol, required API and binary extension.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetserve.errors import InvalidFieldError
from inference_svc.open_inference.byte_tensors import pack, unpack

Array = npt.NDArray[Any]

BYTES = "BYTES"
# numpy has no such number: its 16 bits are the upper half of a float32.
BF16 = "BF16"
_NUMPY: Mapping[str, str] = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
}
_NAMES = {dtype: name for name, dtype in _NUMPY.items()} | {"bfloat16": BF16}
# What JSON numbers may stand for: booleans are no numbers, and 1.5 is no integer.
_KINDS: Mapping[str, str] = {"b": "b", "u": "ui", "i": "ui", "f": "uif"}


def datatype_of(dtype: str) -> str:
    """The protocol's name of a numpy dtype; BYTES for whatever is no number."""
    return _NAMES.get(dtype, BYTES)


def from_binary(datatype: str, shape: Sequence[int], raw: memoryview, field: str) -> Array:
    """The tensor in these bytes, as a view of them where numpy has the type.

    Raises: InvalidFieldError: named ``field``: an unknown type, or not as many bytes as it takes.
    """
    count = math.prod(shape)
    if datatype == BYTES:
        return _shaped(unpack(raw, count, field), shape, field)
    width = 2 if datatype == BF16 else _dtype(datatype, field).itemsize
    if len(raw) != count * width:
        raise InvalidFieldError(
            field,
            f"has {len(raw)} bytes; {datatype} of shape {list(shape)} takes {count * width}",
        )
    if datatype == BF16:
        halves = np.frombuffer(raw, "<u2").astype("<u4")
        return _shaped((halves << 16).view("<f4"), shape, field)
    return _shaped(np.frombuffer(raw, _dtype(datatype, field)), shape, field)


def from_json(datatype: str, shape: Sequence[int], data: object, field: str) -> Array:
    """The tensor in a JSON list, flat or nested.

    Raises: InvalidFieldError: named ``field``.
    """
    if not isinstance(data, list):
        raise InvalidFieldError(field, "takes a list")
    if datatype == BYTES:
        return _shaped(_strings(data, field), shape, field)
    wanted = np.dtype("float32") if datatype == BF16 else _dtype(datatype, field)
    try:
        found = np.array(data)
    except ValueError:
        raise InvalidFieldError(field, "is nested unevenly") from None
    if found.size and found.dtype.kind not in _KINDS[wanted.kind]:
        raise InvalidFieldError(field, f"has a value that {datatype} can't hold")
    if wanted.kind in "ui" and found.size:
        _check_range(found, wanted, datatype, field)
    with np.errstate(over="ignore"):
        return _shaped(found.astype(wanted).reshape(-1), shape, field)


def to_binary(tensor: Array) -> bytes | memoryview:
    """The tensor's bytes, row by row."""
    if tensor.dtype == object:
        return pack(tensor.reshape(-1))
    return np.ascontiguousarray(tensor).data.cast("B") if tensor.size else b""


def to_json(tensor: Array) -> list[Any]:
    """The tensor's values, flat.

    Raises: InvalidFieldError: named ``outputs``: it holds bytes that are no text.
    """
    values: list[Any] = tensor.reshape(-1).tolist()
    if tensor.dtype != object:
        return values
    try:
        return [value.decode() for value in values]
    except UnicodeDecodeError:
        raise InvalidFieldError(
            "outputs", "holds bytes that are no text; ask for it with binary_data"
        ) from None


def _dtype(datatype: str, field: str) -> np.dtype[Any]:
    name = _NUMPY.get(datatype)
    if name is None:
        known = ", ".join((*_NUMPY, BF16, BYTES))
        raise InvalidFieldError(field, f"is of the datatype {datatype!r}; there are {known}")
    return np.dtype(name)


def _check_range(found: Array, wanted: np.dtype[Any], datatype: str, field: str) -> None:
    bounds = np.iinfo(wanted)
    if int(found.min()) < bounds.min or int(found.max()) > bounds.max:
        raise InvalidFieldError(field, f"has a value that {datatype} can't hold")


def _strings(data: list[Any], field: str) -> Array:
    """Every string of a nested list, encoded."""
    flat: list[bytes] = []
    waiting = list(reversed(data))
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(reversed(value))
        elif isinstance(value, str):
            flat.append(value.encode("utf-8", "surrogatepass"))
        else:
            raise InvalidFieldError(field, "takes strings, for its datatype is BYTES")
    found = np.empty(len(flat), dtype=object)
    found[:] = flat
    return found


def _shaped(flat: Array, shape: Sequence[int], field: str) -> Array:
    if flat.size != math.prod(shape):
        raise InvalidFieldError(
            field, f"has {flat.size} values; the shape {list(shape)} takes {math.prod(shape)}"
        )
    try:
        return flat.reshape(shape)
    except ValueError as exc:  # Empty, and yet over what numpy can index.
        raise InvalidFieldError(field, f"has a shape that can't be: {exc}") from None
