"""A line that shows how far a download is."""

from typing import TextIO

WIDTH = 30


def bar_line(done: float, total: float, note: str) -> str:
    """``[######------]  40 %   38.1 of 95.3 MB   note``; without a total only what is there."""
    if total <= 0:
        return f"{done / 1e6:8.1f} MB   {note}".rstrip()
    share = min(1.0, done / total)
    filled = int(share * WIDTH)
    bar = "#" * filled + "-" * (WIDTH - filled)
    # Rounded down: 100 % is said when everything is there and not before.
    sizes = f"{done / 1e6:.1f} of {total / 1e6:.1f} MB"
    return f"[{bar}] {int(share * 100):3d} %   {sizes}   {note}".rstrip()


class ProgressBar:
    """Redraws one line on a terminal; elsewhere prints a line per tenth of the whole."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._last_width = 0
        self._last_mark: tuple[int, str] | None = None

    def show(self, done: float, total: float, note: str) -> None:
        line = bar_line(done, total, note)
        if self._live:
            self._stream.write("\r" + line.ljust(self._last_width))
            self._last_width = len(line)
        else:
            mark = (int(10 * done / total) if total > 0 else 0, note)
            if mark == self._last_mark:
                return
            self._last_mark = mark
            self._stream.write(f"{line}\n")
        self._stream.flush()

    def end(self) -> None:
        """Leaves the line that was drawn and goes to the next."""
        if self._live and self._last_width:
            self._stream.write("\n")
            self._stream.flush()
