"""Ends the fleet's process groups when the supervisor is gone, however it went.

    python -I -S watcher.py < PIPE

Reads ``+GROUP`` and ``-GROUP`` lines; the end of the pipe means that the supervisor is dead.
On Linux the kernel ends the children themselves (shim.py); this ends their children too, and
is all there is elsewhere. Only the standard library, and little of it.
"""

import os
import signal
import sys
from collections.abc import Iterable


def follow(lines: Iterable[bytes], groups: set[int]) -> None:
    """Keeps ``groups`` as the lines say, until they end."""
    for line in lines:
        group = int(line[1:])
        if line[:1] == b"+":
            groups.add(group)
        else:
            groups.discard(group)


def end(groups: set[int]) -> None:
    """SIGKILL: whoever would have given them time to finish is dead."""
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    try:
        follow(sys.stdin.buffer, groups)
    finally:
        end(groups)


if __name__ == "__main__":
    main()
