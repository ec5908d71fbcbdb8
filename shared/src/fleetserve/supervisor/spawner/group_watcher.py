"""The supervisor's end of watcher.py."""

import subprocess
import sys
from pathlib import Path
from typing import IO

WATCHER = Path(__file__).parent.parent / "watcher.py"


class GroupWatcher:
    """Keeps a watcher process informed of the process groups to end with the supervisor.

    A watcher that was killed is replaced at the next change.
    """

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._process = self._start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def add(self, group: int) -> None:
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Ends the watcher and, with it, whatever groups it still knows."""
        self._process.communicate()

    def ensure_running(self) -> None:
        """Starts another one if this one is gone."""
        if self._process.poll() is not None:
            self._replace()

    def _tell(self, line: str) -> None:
        try:
            self._write(line)
        except BrokenPipeError:
            self._process.wait()
            self._replace()

    def _replace(self) -> None:
        self._pipe().close()
        self._process = self._start()
        self._write("".join(f"+{group}\n" for group in self._groups))

    def _write(self, text: str) -> None:
        self._pipe().write(text.encode())

    def _pipe(self) -> IO[bytes]:
        pipe = self._process.stdin
        assert pipe is not None
        return pipe

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: the terminal's Ctrl-C must not reach it.
        return subprocess.Popen(  # noqa: S603 - our own file, no input of anybody's
            [sys.executable, "-I", "-S", str(WATCHER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
