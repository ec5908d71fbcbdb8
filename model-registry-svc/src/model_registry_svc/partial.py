"""A file that is still coming: ``<digest>.part`` on the volume where it will lie."""

import hashlib
import os
import re
from pathlib import Path

from model_registry_svc.source.base import Artifact

PARTIALS_FOLDER = ".partial"
_HEX = re.compile(r"[0-9a-f]{40,64}")


class PartialFile:
    """What has arrived of one artifact. One owner at a time: the job that holds the lease.

    Args:
        folder: Below the model's folder, so that finishing is a rename.
    """

    def __init__(self, folder: Path, artifact: Artifact) -> None:
        self.path = folder / f"{_digest(artifact)}.part"
        self._validator_path = self.path.with_suffix(".etag")

    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def open_at(self, offset: int) -> int:
        """A descriptor that writes from ``offset`` on; what was beyond it is cut off.

        Unbuffered: what was written survives the death of this process.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self.path, flags, 0o644)
        os.ftruncate(descriptor, offset)
        os.lseek(descriptor, offset, os.SEEK_SET)
        return descriptor

    def validator(self) -> str | None:
        """The ETag under which the first part came."""
        try:
            return self._validator_path.read_text() or None
        except FileNotFoundError:
            return None

    def keep_validator(self, validator: str | None) -> None:
        self._validator_path.write_text(validator or "")

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._validator_path.unlink(missing_ok=True)

    def finish(self, target: Path) -> None:
        """Puts the whole file in its place; after that a power cut does not lose it."""
        target.parent.mkdir(parents=True, exist_ok=True)
        sync(self.path)
        self.path.replace(target)
        sync(target.parent)
        self._validator_path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flushes a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(artifact: Artifact) -> str:
    """A file name that is the content's: another revision with the same bytes resumes it too."""
    known = artifact.sha256 or artifact.git_sha1 or ""
    if _HEX.fullmatch(known):
        return known
    named = f"{artifact.address} {artifact.size} {artifact.validator}"
    return hashlib.sha256(named.encode()).hexdigest()
