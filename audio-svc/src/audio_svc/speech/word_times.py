"""When the words of a text are said, from how long each of its sounds is."""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import accumulate

from audio_svc.speech.base import SpokenWord

_HEARD = "LMN"  # The classes of letters, of marks on them, and of numbers.


def sounds(sign: str) -> bool:
    """It is said, where others are signs of pauses."""
    return unicodedata.category(sign)[0] in _HEARD


def time_words(
    text: str,
    places: Iterable[int | None],
    frames: Sequence[int],
    frame_s: float,
    start_s: float = 0.0,
) -> tuple[SpokenWord, ...]:
    """The words of a text that are said.

    Args:
        text: Its words are what blanks part.
        places: Of each sound, which of ``text.split()`` it belongs to, in their order; None: of
            none, as a pause.
        frames: How long each sound is; one of no length is not said.
        frame_s: Seconds of a frame.
        start_s: When the first sound begins.
    """
    spans: dict[int, tuple[int, int]] = {}
    for place, length, end in zip(places, frames, accumulate(frames), strict=True):
        if place is not None and length:
            begin, _ = spans.get(place, (end - length, end))
            spans[place] = (begin, end)
    written = text.split()
    return tuple(
        SpokenWord(_bare(written[place]), start_s + begin * frame_s, start_s + end * frame_s)
        for place, (begin, end) in spans.items()
    )


def _bare(word: str) -> str:
    """Without the signs around it; a sign that is said stays."""
    heard = [place for place, sign in enumerate(word) if sounds(sign)]
    return word[heard[0] : heard[-1] + 1] if heard else word
