"""Paths from outside: only plain relative ones get near the disk."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from fleetserve.errors import UpstreamError

MAX_PATH_CHARS = 512
MAX_DEPTH = 12
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\:*?\"<>|]")


class HostilePathError(UpstreamError):
    """A source names a file so that it would land outside its folder."""

    default_code = "hostile_path"


def check_relative_path(path: str) -> str:
    """The path itself if it names a file below a folder on every system.

    Raises: HostilePathError: absolute, empty, with a dot segment, a backslash, a drive, a
        control character, too long or too deep.
    """
    parts = path.split("/")
    if (
        len(path) > MAX_PATH_CHARS
        or len(parts) > MAX_DEPTH
        or not all(part.strip(" .") for part in parts)
        or _FORBIDDEN.search(path)
    ):
        raise HostilePathError(f"The source names a file {path[:80]!r}, which is refused.")
    return path


def check_no_overlap(paths: Iterable[str]) -> None:
    """Refuses a listing in which one path is twice or is another one's folder.

    Raises: HostilePathError: naming the path.
    """
    seen: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        if path in seen:
            raise HostilePathError(f"The source names the file {path[:80]!r} twice.")
        seen.add(path)
        folders.update(str(parent) for parent in PurePosixPath(path).parents)
    clash = seen & folders
    if clash:
        raise HostilePathError(f"{min(clash)[:80]!r} is a file and a folder at the source.")
