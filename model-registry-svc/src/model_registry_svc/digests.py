"""What a finished file must hash to, and whether it does."""

import hashlib
from pathlib import Path

from model_registry_svc.source.base import Artifact

BLOCK_BYTES = 1 << 20


class ContentHash:
    """Hashes one artifact's bytes as they come: sha256 always, git's blob sha1 where wanted.

    Args:
        artifact: Whose digests count; git's name needs the size beforehand.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._sha256 = hashlib.sha256()
        self._git = None
        if artifact.sha256 is None and artifact.git_sha1 and artifact.size is not None:
            # Git names blobs by SHA-1; it is compared with what the hub says, nothing is signed.
            self._git = hashlib.sha1(f"blob {artifact.size}\0".encode(), usedforsecurity=False)

    def update(self, piece: bytes) -> None:
        self._sha256.update(piece)
        if self._git is not None:
            self._git.update(piece)

    def update_from(self, path: Path) -> int:
        """Hashes a file that is there already; returns its size."""
        size = 0
        with path.open("rb") as file:
            while piece := file.read(BLOCK_BYTES):
                self.update(piece)
                size += len(piece)
        return size

    @property
    def is_checked(self) -> bool:
        """Whether there is a digest to compare with at the end."""
        return self._artifact.sha256 is not None or self._git is not None

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def mismatch(self) -> str | None:
        """What the digest should have been and what it is; None when it is right or unknown."""
        wanted = self._artifact.sha256
        if wanted is not None:
            return (
                None
                if self.sha256.startswith(wanted)
                else f"sha256 {self.sha256} instead of {wanted}"
            )
        if self._git is None or self._git.hexdigest() == self._artifact.git_sha1:
            return None
        return f"git sha1 {self._git.hexdigest()} instead of {self._artifact.git_sha1}"
