"""A model's manifest: the truth about what lies in the models volume."""

import contextlib
import os
from pathlib import Path

import msgspec

from fleetserve.errors import ModelNotFoundError, NotFoundError

MANIFEST_FILE = "manifest.json"
VOCODER_FOLDER = "vocoder"
DEFAULT_VOICE_FILE = "voices/default.npy"
LONGEST_NAME_BYTES = 200  # A folder's name holds 255.


class ManifestFile(msgspec.Struct, frozen=True):
    """One file: path relative to the revision's folder, bytes, sha256 in hex."""

    path: str
    size: int
    sha256: str


class VocoderSource(msgspec.Struct, frozen=True):
    """Where the files under ``vocoder/`` came from."""

    model_id: str
    revision: str


class Manifest(msgspec.Struct, frozen=True):
    """What a model is.

    ``revision`` is a commit hash (or a content hash for sources without commits), ``ref`` what
    was asked for (a branch, a tag, a commit; None: what the source shows first), and
    ``previous_revision`` what it was before, whose files are still there ("": none);
    ``input_rank`` is the rank of one input of a tensor model, else None; with
    ``two_stage_voice`` a model that writes text can be spoken with: a speech model says it.
    """

    name: str
    source: str
    model_id: str
    revision: str
    task: str
    files: tuple[ManifestFile, ...]
    size_bytes: int
    created_at: float
    input_rank: int | None = None
    vocoder: VocoderSource | None = None
    allow_pickle: bool = False
    warnings: tuple[str, ...] = ()
    ref: str | None = None
    previous_revision: str = ""
    two_stage_voice: bool = False


_decode = msgspec.json.Decoder(Manifest).decode


def manifest_path(models_dir: Path, name: str, revision: str | None = None) -> Path:
    """Of what is published; with a revision, of that one, published or not."""
    return models_dir / name / (f"manifest.{revision}.json" if revision else MANIFEST_FILE)


def revision_dir(models_dir: Path, manifest: Manifest) -> Path:
    """The folder of plain files that replicas load from."""
    return models_dir / manifest.name / manifest.revision


def read_manifest(models_dir: Path, name: str, revision: str | None = None) -> Manifest:
    """The published manifest, or that of a revision whose files are here.

    Raises: ModelNotFoundError: nothing is published under this name; NotFoundError: no such
    revision is here.
    """
    size = len(name.encode("utf-8", "surrogatepass"))
    if not 0 < size <= LONGEST_NAME_BYTES or "/" in name or name.startswith("."):
        raise ModelNotFoundError(name[:LONGEST_NAME_BYTES])
    try:
        raw = manifest_path(models_dir, name).read_bytes()
    except (
        FileNotFoundError,
        NotADirectoryError,
        ValueError,
    ):  # the last: a NUL or a lone surrogate
        raise ModelNotFoundError(name) from None
    published = _decode(raw)
    if revision in (None, published.revision):
        return published
    return _read_revision(models_dir, name, revision or "")


def _read_revision(models_dir: Path, name: str, revision: str) -> Manifest:
    path = manifest_path(models_dir, name, revision)
    if "/" in revision or not path.is_file():
        raise NotFoundError(
            f"{name} is not here as revision {revision[:80]}.", code="revision_not_found"
        )
    return _decode(path.read_bytes())


def publish_manifest(models_dir: Path, manifest: Manifest) -> None:
    """Publishes by atomic rename, after the bytes are on disk; the registry's worker only."""
    _write(manifest_path(models_dir, manifest.name), manifest)


def keep_manifest(models_dir: Path, manifest: Manifest) -> None:
    """Makes a revision that is not published known by itself; the registry's worker only."""
    _write(manifest_path(models_dir, manifest.name, manifest.revision), manifest)


def _write(path: Path, manifest: Manifest) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".json.new")
    with draft.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def list_manifests(models_dir: Path) -> list[Manifest]:
    """Every published manifest, by name."""
    if not models_dir.is_dir():
        return []
    found = []
    for path in sorted(models_dir.glob(f"*/{MANIFEST_FILE}")):
        with contextlib.suppress(ModelNotFoundError):  # deleted meanwhile
            found.append(read_manifest(models_dir, path.parent.name))
    return found
