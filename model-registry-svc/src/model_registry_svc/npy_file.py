"""Vectors in NumPy's .npy files, without NumPy.

Source: numpy.lib.format, versions 1.0 to 3.0.
"""

import ast
import struct
from math import prod

MAGIC = b"\x93NUMPY"
TYPES = {"<f4": "f", "<f8": "d", "<f2": "e"}


def read_vector(data: bytes) -> list[float]:
    """The numbers of an array of any shape, in its order.

    Raises: ValueError: this is no .npy file of little-endian floats, or it is cut off.
    """
    if data[:6] != MAGIC or len(data) < 12:
        raise ValueError("it is no .npy file")
    width, size_form = (10, "<H") if data[6] == 1 else (12, "<I")
    start = width + struct.unpack_from(size_form, data, 8)[0]
    try:
        about = ast.literal_eval(data[width:start].decode("latin-1").strip())
        form, shape = TYPES[about["descr"]], tuple(about["shape"])
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError):
        raise ValueError("it holds no little-endian floats of 16, 32 or 64 bits") from None
    count = prod(shape)
    if not 0 < count <= len(data) or len(data) != start + count * struct.calcsize(form):
        raise ValueError("its size is not what its header says")
    return list(struct.unpack_from(f"<{count}{form}", data, start))
