"""The bytes of one file version: a file on disk or bytes in memory, read in pieces."""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Digests:
    """Both names that the hub gives to the same bytes."""

    sha256: str
    git_sha1: str


@dataclass(frozen=True, slots=True)
class Content:
    """Immutable bytes; a path's file must not change while the server lives.

    flipped_at: offsets whose byte is inverted when read, which makes another version of a large
        file without a copy of it.
    """

    source: Path | bytes
    flipped_at: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def read(self, offset: int, length: int) -> bytes:
        """Return at most length bytes from offset; empty at the end."""
        if isinstance(self.source, bytes):
            piece = self.source[offset : offset + length]
        else:
            with self.source.open("rb") as file:
                file.seek(offset)
                piece = file.read(length)
        return flip(piece, [at - offset for at in self.flipped_at])

    def altered(self) -> "Content":
        """Return a version of the same length that differs in one byte."""
        return replace(
            self, flipped_at=(*self.flipped_at, len(self.flipped_at) % max(self.size, 1))
        )

    def digests(self) -> Digests:
        """Hash the whole content; a path's result is kept as long as the file is unchanged."""
        if isinstance(self.source, bytes):
            return _digest(self)
        stat = self.source.stat()
        return _digest_unchanged(self, stat.st_ino, stat.st_size, stat.st_mtime_ns)


def flip(piece: bytes, offsets: list[int]) -> bytes:
    """Invert the bytes at those offsets that lie inside the piece."""
    inside = [at for at in offsets if 0 <= at < len(piece)]
    if not inside:
        return piece
    changed = bytearray(piece)
    for at in inside:
        changed[at] ^= 0xFF
    return bytes(changed)


@lru_cache(maxsize=4096)
def _digest_unchanged(content: Content, _inode: int, _size: int, _mtime_ns: int) -> Digests:
    return _digest(content)


def _digest(content: Content) -> Digests:
    size = content.size
    sha256 = hashlib.sha256()
    # Git names a blob by the SHA-1 of a header and its bytes; no security rests on it.
    git_sha1 = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    for offset in range(0, size, 1024 * 1024):
        piece = content.read(offset, 1024 * 1024)
        sha256.update(piece)
        git_sha1.update(piece)
    return Digests(sha256.hexdigest(), git_sha1.hexdigest())
