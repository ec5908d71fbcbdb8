"""Where the engine's Unix socket is: a short path in a folder that nobody else can enter."""

import contextlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

# sun_path holds 108 bytes on Linux and 104 elsewhere, the final zero included.
LONGEST_PATH = 100
SOCKET_NAME = "engine.sock"
BACKLOG = 64


@contextmanager
def listening_socket(home: Path, runtime_dir: Path | None) -> Iterator[socket.socket]:
    """A socket of mode 0600 that listens; it and its folder are gone after the block.

    ``getsockname()`` is its path. The home's lock must be held: a socket found there is stale.
    """
    path = _make_folder(home, runtime_dir) / SOCKET_NAME
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(BACKLOG)
        yield listener
    finally:
        listener.close()
        path.unlink(missing_ok=True)
        # Whoever tidies up temporary folders may have been here.
        with contextlib.suppress(FileNotFoundError):
            path.parent.rmdir()


def _make_folder(home: Path, runtime_dir: Path | None) -> Path:
    """The same folder for the same home, unless somebody else has put something there."""
    mark = sha256(os.fsencode(home)).hexdigest()[:12]
    name = f"fleetserve-{os.getuid()}-{mark}"
    for parent in (runtime_dir, Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108
        if parent is None or not parent.is_dir() or not os.access(parent, os.W_OK):
            continue
        folder = parent / name
        if len(os.fsencode(folder / SOCKET_NAME)) < LONGEST_PATH and _is_ours(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="fleetserve-", dir="/tmp"))


def _is_ours(folder: Path) -> bool:
    folder.mkdir(mode=0o700, exist_ok=True)
    # lstat: in a folder open to all, another user's link must not lead us elsewhere.
    found = folder.lstat()
    private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
    return private and found.st_uid == os.getuid()
