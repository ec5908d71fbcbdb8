"""Files that lie on this machine already, below folders that the configuration names."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from fleetserve.errors import ForbiddenError
from model_registry_svc.source.base import (
    Artifact,
    ArtifactChangedError,
    ArtifactStream,
    InterruptedTransferError,
    ModelHints,
    RepositoryNotFoundError,
    Resolution,
    SourceRef,
)

CHUNK_BYTES = 1 << 20
MAX_CONFIG_BYTES = 1 << 20


class LocalStream:
    """See ArtifactStream; ``validator`` tells the file's version by its time of change."""

    def __init__(self, path: Path, offset: int) -> None:
        self._file = path.open("rb")
        stat = os.fstat(self._file.fileno())
        self._file.seek(offset)
        self.start = offset
        self.total: int | None = stat.st_size
        self.validator: str | None = _validator(stat)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        try:
            while piece := self._file.read(CHUNK_BYTES):
                yield piece
        except OSError as exc:
            raise InterruptedTransferError(f"Reading broke: {exc.strerror}.") from exc


class LocalSource:
    """A model is a folder or a file below one of ``roots``.

    Args:
        roots: Nothing outside of them is read, by links neither.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(root.resolve() for root in roots)

    def resolve(self, ref: SourceRef) -> Resolution:
        """See DownloadSource; the revision is a hash of names, sizes and times of change."""
        base = self._inside(Path(ref.model_id))
        if base.is_file():
            artifacts = [_artifact(base, base.parent)]
        else:
            files = sorted(p for p in base.rglob("*") if p.is_file())
            artifacts = [_artifact(self._inside(path), base, path) for path in files]
        digest = hashlib.sha256()
        for artifact in artifacts:
            line = f"{artifact.path} {artifact.size} {artifact.validator}\n"
            digest.update(line.encode())
        return Resolution(digest.hexdigest()[:40], tuple(artifacts), _hints(base))

    def open(self, artifact: Artifact, offset: int) -> ArtifactStream:
        """See DownloadSource."""
        path = self._inside(Path(artifact.address))
        try:
            stream = LocalStream(path, offset)
        except OSError as exc:
            raise ArtifactChangedError(f"{artifact.path} can't be opened any more.") from exc
        if artifact.validator not in {None, stream.validator}:
            stream.close()
            raise ArtifactChangedError(f"{artifact.path} was changed.")
        return stream

    def _inside(self, path: Path) -> Path:
        """The real path.

        Raises: ForbiddenError: outside of the roots. RepositoryNotFoundError: not there.
        """
        for root in self._roots:
            real = (root / path).resolve()
            if real.is_relative_to(root):
                if not real.exists():
                    raise RepositoryNotFoundError(f"There is no {str(path)!r} in {root}.")
                return real
        allowed = ", ".join(str(root) for root in self._roots) or "none is configured"
        raise ForbiddenError(
            f"{str(path)!r} is outside of the folders that may be imported from ({allowed}); "
            "models.local_roots in config.yaml names them.",
            code="outside_roots",
        )


def _hints(base: Path) -> ModelHints:
    """What config.json says, as a hub would repeat it."""
    config: dict[str, Any] = {}
    path = base / "config.json"
    if path.is_file() and path.stat().st_size <= MAX_CONFIG_BYTES:
        try:
            config = json.loads(path.read_bytes())
        except ValueError:
            config = {}
    is_sentences = (base / "modules.json").is_file()
    return ModelHints(
        library_name="sentence-transformers" if is_sentences else None,
        model_type=config.get("model_type"),
        architectures=tuple(config.get("architectures") or ()),
    )


def _artifact(path: Path, base: Path, named: Path | None = None) -> Artifact:
    stat = path.stat()
    return Artifact(
        path=(named or path).relative_to(base).as_posix(),
        address=str(path),
        size=stat.st_size,
        validator=_validator(stat),
    )


def _validator(stat: os.stat_result) -> str:
    return f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
