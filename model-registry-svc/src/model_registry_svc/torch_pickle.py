"""Reads the pickle of a torch checkpoint by an allow-list: nothing that it names is ever run.

A pickle can name any function of any module. Of all these only three are known here, each by
its name alone, and each only notes where a tensor's bytes lie; neither torch nor the content of
a tensor is loaded. Source: torch/serialization.py and torch/_utils.py for what the names mean.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import BinaryIO

_DTYPES = {
    "DoubleStorage": "F64",
    "FloatStorage": "F32",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of items somewhere in the file, which ``key`` names."""

    key: str
    dtype: str
    items: int


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A dense tensor: ``prod(shape)`` items of the storage from item ``start`` on."""

    storage: Storage
    start: int
    shape: tuple[int, ...]


class TorchUnpickler(pickle.Unpickler):
    """Loads one pickle of plain values, OrderedDicts, Storages and StoredTensors.

    Raises (from load): pickle.UnpicklingError: it names anything else. ValueError, TypeError
        and the like: it is damaged.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)

    def find_class(self, module: str, name: str) -> Callable[..., object] | str:
        """What stands for a name of the pickle."""
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        found = _KNOWN.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return found

    def persistent_load(self, pid: object) -> Storage:
        """The storage that a tensor refers to."""
        match pid:
            case ("storage", str(dtype), str(key), str(), int(items), *rest):
                if any(view is not None for view in rest):
                    raise ValueError("a storage inside of another one")
                return Storage(key, dtype, items)
        raise ValueError("a reference that is no storage")


def _tensor(
    storage: Storage, start: int, shape: Sequence[int], strides: Sequence[int], *_: object
) -> StoredTensor:
    if not isinstance(storage, Storage) or start < 0 or any(n < 0 for n in shape):
        raise ValueError("a tensor without a place")
    if not _is_dense(shape, strides):
        raise ValueError("a tensor that is not stored row by row")
    if start + prod(shape) > storage.items:
        raise ValueError("a tensor beyond the end of its storage")
    return StoredTensor(storage, start, tuple(shape))


def _parameter(tensor: StoredTensor, *_: object) -> StoredTensor:
    return tensor


def _is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    step = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1 and stride != step:
            return False
        step *= size
    return True


_KNOWN: dict[tuple[str, str], Callable[..., object]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}
