"""What a person reads while a fleet starts, runs and stops."""

import contextlib
import os
from pathlib import Path
from typing import TextIO

NAME_WIDTH = 22
DETAIL_WIDTH = 26
COLOURS = {"green": "32", "red": "31", "yellow": "33", "bold": "1", "dim": "2"}


class Console:
    """Lines with a mark, a name, a detail and a time, in columns.

    A reader that has gone away (a closed terminal, ``| head``) is no reason to stop a fleet.

    Args:
        colour: Colour the marks; for a terminal only.
    """

    def __init__(self, stream: TextIO, *, colour: bool) -> None:
        self._stream = stream
        self._colour = colour and stream.isatty()

    def event(
        self, mark: str, name: str, detail: str = "", time: str = "", *, colour: str = ""
    ) -> None:
        """One line, as ``  ready  gateway   http://127.0.0.1:8000   1.2 s``."""
        painted = self.paint(f"{mark:<5}", colour)
        columns = f"{name:<{NAME_WIDTH}}  {detail:<{DETAIL_WIDTH}}  {time:>7}"
        self.line(f"  {painted}  {columns.rstrip()}")

    def line(self, text: str = "") -> None:
        try:
            self._stream.write(f"{text}\n")
            self._stream.flush()
        except OSError:
            self._stop_writing()

    def _stop_writing(self) -> None:
        # What could not be written would fail again at the end of the process, as its status.
        with contextlib.suppress(OSError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())

    def paint(self, text: str, colour: str) -> str:
        if not self._colour or not colour:
            return text
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


def seconds(value_s: float) -> str:
    return f"{value_s:.1f} s" if value_s < 100 else f"{value_s:.0f} s"


def shown_path(path: Path) -> str:
    """A path as short as a person would write it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
