"""Writes a safetensors file from tensors that lie in another file.

Source: the safetensors format: 8 bytes of length, a JSON header, the tensors without gaps.
"""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from fleetserve.manifest import ManifestFile
from model_registry_svc.partial import sync
from model_registry_svc.tensor_span import TensorSpan

PIECE_BYTES = 1 << 20


def write_safetensors(
    source: Path,
    tensors: Mapping[str, TensorSpan],
    target: Path,
    *,
    check: Callable[[], None],
) -> ManifestFile:
    """Copies the tensors' bytes into ``target``, which appears whole or not at all.

    ``check`` is called before each piece of at most PIECE_BYTES; it stops the work by raising.

    Raises: OSError: the disk is full.
    """
    draft = target.with_name(f"{target.name}.new")
    digest = sha256()
    with source.open("rb") as origin, draft.open("wb") as file:
        for piece in _pieces(origin, tensors):
            check()
            file.write(piece)
            digest.update(piece)
    size = draft.stat().st_size
    sync(draft)
    draft.replace(target)
    sync(target.parent)
    return ManifestFile(target.name, size, digest.hexdigest())


def _pieces(origin: BinaryIO, tensors: Mapping[str, TensorSpan]) -> Iterator[bytes]:
    yield _header(tensors)
    for _, span in sorted(tensors.items()):
        if span.offset is None:
            yield bytes(span.size)
            continue
        origin.seek(span.offset)
        left = span.size
        while left:
            piece = origin.read(min(left, PIECE_BYTES))
            if not piece:
                raise OSError(f"{origin.name} became shorter")
            left -= len(piece)
            yield piece


def _header(tensors: Mapping[str, TensorSpan]) -> bytes:
    fields: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, span in sorted(tensors.items()):
        fields[name] = {
            "dtype": span.dtype,
            "shape": span.shape,
            "data_offsets": (end, end + span.size),
        }
        end += span.size
    text = json.dumps(fields, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text
