"""Tensors of strings in binary form: each element is its length in four bytes, then itself."""

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from fleetserve.errors import InvalidFieldError

_LENGTH = struct.Struct("<I")


def unpack(raw: memoryview, count: int, field: str) -> npt.NDArray[Any]:
    """``count`` byte strings as an object array [count].

    Raises: InvalidFieldError: named ``field``: there are more or fewer.
    """
    # Each takes four bytes at least, so that a shape alone can't make us reserve memory.
    if count * _LENGTH.size > len(raw):
        raise InvalidFieldError(field, f"has {len(raw)} bytes, too few for {count} elements")
    found = np.empty(count, dtype=object)
    position = 0
    for index in range(count):
        if position + _LENGTH.size > len(raw):
            raise InvalidFieldError(field, f"ends before its element {index} of {count}")
        (size,) = _LENGTH.unpack_from(raw, position)
        position += _LENGTH.size
        if position + size > len(raw):
            raise InvalidFieldError(field, f"ends within its element {index} of {count}")
        found[index] = bytes(raw[position : position + size])
        position += size
    if position != len(raw):
        raise InvalidFieldError(field, f"has {len(raw) - position} bytes after its last element")
    return found


def pack(values: Iterable[bytes]) -> bytes:
    """The binary form of byte strings."""
    return b"".join(part for value in values for part in (_LENGTH.pack(len(value)), value))
