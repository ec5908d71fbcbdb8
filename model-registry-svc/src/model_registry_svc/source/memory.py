"""Models in memory, with faults on demand: for tests and for trying things out."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

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

CHUNK_BYTES = 1024


class MemoryStream:
    """See ArtifactStream; breaks after ``cut_after`` bytes if that is given."""

    def __init__(self, content: bytes, offset: int, cut_after: int | None) -> None:
        self._content = content
        self._cut_after = cut_after
        self.start = offset
        self.total: int | None = len(content)
        self.validator: str | None = f'"{hashlib.sha256(content).hexdigest()}"'

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        return

    def __iter__(self) -> Iterator[bytes]:
        rest = self._content[self.start :]
        end = len(rest) if self._cut_after is None else min(self._cut_after, len(rest))
        for begin in range(0, end, CHUNK_BYTES):
            yield rest[begin : min(begin + CHUNK_BYTES, end)]
        if end < len(rest):
            raise InterruptedTransferError("The transfer broke.")


@dataclass(slots=True)
class MemorySource:
    """Repositories by id; each is one revision, named by its content.

    Attributes:
        cuts: Per opening, in order, after how many bytes it breaks; None: it does not.
        opened: (path, offset) of every opening.
    """

    repos: dict[str, dict[str, bytes]]
    hints: Mapping[str, ModelHints] = field(default_factory=dict)
    conversions: dict[str, str] = field(default_factory=dict)
    cuts: list[int | None] = field(default_factory=list)
    opened: list[tuple[str, int]] = field(default_factory=list)

    def resolve(self, ref: SourceRef) -> Resolution:
        """See DownloadSource."""
        files = self.repos.get(ref.model_id)
        revision = _revision(files or {})
        if files is None or ref.revision not in {None, "main", revision}:
            raise RepositoryNotFoundError(f"There is no {ref.model_id} in memory.")
        artifacts = tuple(
            Artifact(
                path=path,
                address=f"{ref.model_id}#{path}",
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
            )
            for path, content in sorted(files.items())
        )
        return Resolution(
            revision,
            artifacts,
            self.hints.get(ref.model_id, ModelHints()),
            self.conversions.get(ref.model_id, ""),
        )

    def open(self, artifact: Artifact, offset: int) -> ArtifactStream:
        """See DownloadSource."""
        self.opened.append((artifact.path, offset))
        model_id, _, path = artifact.address.partition("#")
        content = self.repos.get(model_id, {}).get(path)
        if content is None or hashlib.sha256(content).hexdigest() != artifact.sha256:
            raise ArtifactChangedError(f"{path} was changed.")
        return MemoryStream(content, offset, self.cuts.pop(0) if self.cuts else None)


def _revision(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:40]
