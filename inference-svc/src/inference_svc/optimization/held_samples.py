"""What candidates are measured on: the last real inputs, or built-in texts of mixed lengths."""

from collections import deque
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

ENOUGH = 256
_KEPT = 512
_LONGEST_CHARS = 8000  # About what the longest context of an encoder holds; 4 MiB in all.


class RecentInputs:
    """The last texts that a model was asked for; in memory only, never logged."""

    def __init__(self) -> None:
        self._texts: deque[str] = deque(maxlen=_KEPT)

    def note(self, values: Sequence[object]) -> None:
        """Takes the inputs of one request; what is no text is not kept. Any thread."""
        for value in values:
            if isinstance(value, str) and len(value) <= _LONGEST_CHARS:
                self._texts.append(value)

    def texts(self) -> list[str]:
        """Each once, the newest last."""
        return list(dict.fromkeys(self._texts.copy()))


def sample_texts(recent: RecentInputs) -> list[str]:
    """The recent ones where there are ENOUGH, else those and the built-in ones."""
    found = recent.texts()
    if len(found) >= ENOUGH:
        return found[-ENOUGH:]
    return list(dict.fromkeys([*built_in_texts(), *found]))[-ENOUGH:]


@cache
def built_in_texts() -> tuple[str, ...]:
    text = files("inference_svc.optimization").joinpath("samples_en.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line)
