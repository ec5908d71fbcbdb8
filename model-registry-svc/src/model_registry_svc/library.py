"""What lies on the models volume, by name in whatever spelling."""

import json
import struct
from math import prod
from pathlib import Path

import msgspec
import structlog

from fleetserve.errors import ModelNotFoundError
from fleetserve.manifest import Manifest, read_manifest, revision_dir
from fleetserve.model_records import canonical_name
from model_registry_svc.disk import folder_bytes

log = structlog.get_logger(__name__)

MAX_HEADER_BYTES = 100 * 1024 * 1024
# Positions and masks that are stored along, such as BERT's position_ids, are no parameters.
INDEX_TYPES = frozenset({"I64", "I32", "BOOL"})


class Library:
    """Reads only; the worker is who writes. Blocking."""

    def __init__(self, models_dir: Path) -> None:
        self.models_dir = models_dir

    def manifests(self) -> list[Manifest]:
        """Every published model by name; one that can't be read is logged and left out."""
        names = sorted(p.parent.name for p in self.models_dir.glob("[!.]*/manifest.json"))
        found = (published_manifest(self.models_dir, name) for name in names)
        return [manifest for manifest in found if manifest is not None]

    def find(self, name: str) -> Manifest | None:
        """The published model of that name; whisper_base and whisper-base are one."""
        wanted = canonical_name(name)
        return next((m for m in self.manifests() if canonical_name(m.name) == wanted), None)

    def folder_name(self, name: str) -> str | None:
        """The folder of that name, published or with a download's remains."""
        wanted = canonical_name(name)
        folders = sorted(p.name for p in self.models_dir.glob("[!.]*") if p.is_dir())
        return next((f for f in folders if canonical_name(f) == wanted), None)

    def disk_bytes(self, name: str) -> int:
        """What the model's folder takes, with earlier revisions and partial files."""
        return folder_bytes(self.models_dir / name)

    def parameters(self, manifest: Manifest) -> int | None:
        """The model's parameters, counted in the headers of its safetensors files.

        None where there is a pickle, which is not opened for that.
        """
        weights = [f.path for f in manifest.files if f.path.endswith(".safetensors")]
        own = [path for path in weights if not path.startswith("vocoder/")]
        folder = revision_dir(self.models_dir, manifest)
        try:
            return sum(_count(folder / path) for path in own) if own else None
        except (OSError, ValueError, KeyError, TypeError, struct.error) as exc:
            log.warning("weights.unreadable", model=manifest.name, error=str(exc))
            return None


def published_manifest(models_dir: Path, name: str) -> Manifest | None:
    """The manifest of exactly that name; None where there is none that can be read."""
    try:
        return read_manifest(models_dir, name)
    except ModelNotFoundError:
        return None
    except msgspec.DecodeError as exc:
        log.warning("manifest.unreadable", model=name, error=str(exc))
        return None


def _count(path: Path) -> int:
    """Source: the safetensors format: 8 bytes of length, then a JSON header."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"a header of {length} bytes")
        header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise TypeError("the header is no object")
    tensors = [v for k, v in header.items() if k != "__metadata__"]
    return sum(prod(t["shape"]) for t in tensors if t["dtype"] not in INDEX_TYPES)
