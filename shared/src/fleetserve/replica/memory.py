"""This process's memory: what it holds, what it could still take within its container's bound."""

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path

_STATM = Path("/proc/self/statm")
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def host_free_bytes(meminfo: Path = _MEMINFO, cgroup: Path = _CGROUP) -> int:
    """Bytes that can be had without swapping; -1 where the system does not tell."""
    found = [n for n in (_available(meminfo), _cgroup_free(cgroup)) if n is not None]
    return min(found) if found else -1


def resident_bytes(statm: Path = _STATM) -> int:
    """What this process holds of the host's memory; 0 where the system does not tell."""
    try:
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def give_back_heap() -> None:
    """Returns what was freed to the system, where it is glibc that keeps it in its arenas."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)


def _available(meminfo: Path) -> int | None:
    try:
        # Read each second; what is wanted is the third line.
        with open(meminfo, "rb", buffering=0) as file:  # noqa: PTH123
            lines = file.read(256).splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(b"MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _cgroup_free(cgroup: Path) -> int | None:
    """Room below memory.max of the cgroup (version 2); page cache counts as free."""
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        stat = (cgroup / "memory.stat").read_text()
    except (OSError, ValueError):
        return None
    if limit == "max":
        return None
    cache = next(
        (int(line.split()[1]) for line in stat.splitlines() if line.startswith("inactive_file ")),
        0,
    )
    return max(0, int(limit) - used + cache)
