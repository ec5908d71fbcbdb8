"""Where in a recording something is said: what lies between pauses, in pieces that are not long."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
FRAME_S = 0.02
PAUSE_S = 0.5  # Quiet for so long, speech has come to an end.
MARGIN_S = 0.1  # Before and after it, where faint sounds are.
LONGEST_S = 20.0
SEARCHED_S = 6.0  # The end of a long piece, in which the quietest place is looked for.
QUIET = 0.03  # Of the loudness that is seldom passed.
SILENT = 1e-4


def find_stretches(samples: Samples, rate_hz: int) -> list[tuple[int, int]]:
    """First and last sample (excluded) of each, in order and without overlap."""
    size = int(FRAME_S * rate_hz)
    frames = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    loudness = np.sqrt(np.mean(frames**2, 1))
    loud = np.flatnonzero(loudness > max(SILENT, QUIET * float(np.quantile(loudness, 0.95))))
    if not len(loud):
        return []
    ends = np.flatnonzero(np.diff(loud) * FRAME_S > PAUSE_S)
    first = loud[np.concatenate(([0], ends + 1))]
    last = loud[np.concatenate((ends, [len(loud) - 1]))]
    margin = int(MARGIN_S * rate_hz)
    found: list[tuple[int, int]] = []
    for start, end in zip(first.tolist(), last.tolist(), strict=True):
        begins = max(start * size - margin, found[-1][1] if found else 0)
        found += _cut(samples, begins, min((end + 1) * size + margin, len(samples)), rate_hz)
    return found


def _cut(samples: Samples, start: int, end: int, rate_hz: int) -> list[tuple[int, int]]:
    """In pieces of at most LONGEST_S, parted where it is quietest near their ends."""
    pieces: list[tuple[int, int]] = []
    while end - start > LONGEST_S * rate_hz:
        bound = start + int(LONGEST_S * rate_hz)
        searched = samples[bound - int(SEARCHED_S * rate_hz) : bound] ** 2
        size = rate_hz // 10
        quietest = int(np.convolve(searched, np.ones(size), "valid").argmin())
        middle = bound - len(searched) + quietest + size // 2
        pieces.append((start, middle))
        start = middle
    return [*pieces, (start, end)]
