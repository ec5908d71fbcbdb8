"""The tensors of a torch checkpoint (.pth): where each lies in the file, of both layouts.

torch.save has written a zip since 1.6 and a row of pickles before; torchvision publishes both.
"""

import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from fleetserve.errors import UpstreamError
from model_registry_svc.tensor_span import ITEM_BYTES, TensorSpan
from model_registry_svc.torch_pickle import Storage, StoredTensor, TorchUnpickler

MAX_PICKLE_BYTES = 64 * 1024 * 1024
_ZIP_MAGIC = b"PK\x03\x04"
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
_LOCAL_HEADER = struct.Struct("<4s22xHH")
# What a damaged file makes of the readers; all of it is the file's fault.
_DAMAGE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    UnicodeError,
    ValueError,
)


class UnreadableWeightsError(UpstreamError):
    """The file came whole, and is not what it should be; asking again would not help."""

    default_code = "unreadable_weights"


def read_state_dict(path: Path) -> dict[str, TensorSpan]:
    """The tensors by name; reads the pickle alone, so memory does not grow with the weights.

    Raises: UnreadableWeightsError: it is no flat dict of dense tensors, or names code.
    """
    try:
        with path.open("rb") as file:
            is_zip = file.read(4) == _ZIP_MAGIC
            file.seek(0)
            loaded, places = _read_zip(file) if is_zip else _read_legacy(file)
            size = path.stat().st_size
            return {name: _span(name, tensor, places, size) for name, tensor in loaded.items()}
    except _DAMAGE as exc:
        raise UnreadableWeightsError(f"{path.name} is no readable checkpoint: {exc}.") from exc


def _span(name: str, tensor: StoredTensor, places: Mapping[str, int], size: int) -> TensorSpan:
    storage = tensor.storage
    offset = places[storage.key] + tensor.start * ITEM_BYTES[storage.dtype]
    span = TensorSpan(storage.dtype, tensor.shape, offset)
    if offset + span.size > size:
        raise ValueError(f"{name} lies beyond its end")
    return span


def _read_zip(file: BinaryIO) -> tuple[dict[str, StoredTensor], dict[str, int]]:
    """The pickle's dict, and the offset of each storage by its key."""
    with zipfile.ZipFile(file) as archive:
        entries = {info.filename: info for info in archive.infolist()}
        top = next(name.rpartition("/")[0] for name in entries if name.endswith("/data.pkl"))
        order = entries.get(f"{top}/byteorder")
        if order is not None and archive.read(order) != b"little":
            raise ValueError("its bytes are in the other order")
        head = entries[f"{top}/data.pkl"]
        if head.file_size > MAX_PICKLE_BYTES:
            raise ValueError(f"a pickle of {head.file_size} bytes")
        with archive.open(head) as stream:
            loaded = _tensors(TorchUnpickler(stream).load())  # type: ignore[arg-type]  # reads like a file
        prefix = f"{top}/data/"
        places = {
            name.removeprefix(prefix): _data_offset(file, info)
            for name, info in entries.items()
            if name.startswith(prefix) and info.compress_type == zipfile.ZIP_STORED
        }
    return loaded, places


def _data_offset(file: BinaryIO, info: zipfile.ZipInfo) -> int:
    """The entry's own header, which may be padded otherwise than the directory says."""
    file.seek(info.header_offset)
    magic, name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    if magic != _ZIP_MAGIC:
        raise ValueError(f"{info.filename} has no header")
    return info.header_offset + int(_LOCAL_HEADER.size + name + extra)


def _read_legacy(file: BinaryIO) -> tuple[dict[str, StoredTensor], dict[str, int]]:
    """As _read_zip: magic, version, machine, dict, keys; then each storage after its length."""
    if TorchUnpickler(file).load() != _LEGACY_MAGIC:
        raise ValueError("it begins with something else")
    if TorchUnpickler(file).load() != _LEGACY_VERSION:
        raise ValueError("it is of another version")
    machine = TorchUnpickler(file).load()
    if machine["little_endian"] is not True:
        raise ValueError("its bytes are in the other order")
    loaded = _tensors(TorchUnpickler(file).load())
    storages = {tensor.storage.key: tensor.storage for tensor in loaded.values()}
    return loaded, _legacy_places(file, storages)


def _legacy_places(file: BinaryIO, storages: Mapping[str, Storage]) -> dict[str, int]:
    places = {}
    keys = TorchUnpickler(file).load()
    for key in keys:
        storage = storages[key]
        (items,) = struct.unpack("<q", file.read(8))
        if items != storage.items:
            raise ValueError(f"storage {key} has {items} items instead of {storage.items}")
        places[key] = file.tell()
        file.seek(items * ITEM_BYTES[storage.dtype], 1)
    return places


def _tensors(value: object) -> dict[str, StoredTensor]:
    if not isinstance(value, dict):
        raise TypeError("it holds no dict of tensors")
    for name, tensor in value.items():
        if not isinstance(name, str) or not isinstance(tensor, StoredTensor):
            raise TypeError(f"{name!r} is no tensor")
    return value
