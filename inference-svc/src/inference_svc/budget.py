"""How many padded tokens a batch may have, learned from the throughput that is measured.

Too small a batch wastes the cost of each call, too large a one pads more and falls out of the
cache (MiniLM on one core: 8 at a time 154/s, 32 at a time 211/s, 64 at a time 106/s), and where
the best lies differs by model and machine.
"""

from collections.abc import Iterator
from itertools import cycle

BATCHES_PER_TRIAL = 8
GAIN = 1.03  # Less is noise.
_STEP = 2**0.5


class TokenBudget:
    """Climbs to the bound with the most useful tokens per second. One thread.

    Only batches that the bound itself ended are counted: the others say nothing about it. It
    measures the present level, the next larger one, the present one and the next smaller one in
    turn, and moves when a neighbour is at least 3 % better.

    Args:
        start: Tokens to begin with.
        largest: Never more than this.
    """

    def __init__(self, start: int, largest: int, smallest: int = 32) -> None:
        self._smallest = min(smallest, start)
        self._largest = largest
        self._center = min(start, largest)
        self._turns: Iterator[int] = cycle((0, 1, 0, -1))
        self._turn = next(self._turns)
        self._center_rate = 0.0
        self._useful = 0
        self._seconds = 0.0
        self._batches = 0

    @property
    def tokens(self) -> int:
        """The bound for the next batch."""
        return self._level(self._turn)

    def observe(self, useful: int, seconds: float, *, full: bool) -> None:
        """One batch that was run under the present bound.

        Args:
            useful: Its tokens without padding.
            seconds: Compute time.
            full: The bound ended it while more was waiting.
        """
        if not full or seconds <= 0:
            return
        self._useful += useful
        self._seconds += seconds
        self._batches += 1
        if self._batches >= BATCHES_PER_TRIAL:
            self._judge(self._useful / self._seconds)
            self._useful, self._seconds, self._batches = 0, 0.0, 0

    def halve(self) -> None:
        """Memory ran out: never again so much."""
        self._largest = max(self._smallest, self.tokens // 2)
        self._center = min(self._center, self._largest)

    def _judge(self, rate: float) -> None:
        if self._turn == 0:
            self._center_rate = rate
        elif rate > GAIN * self._center_rate:
            self._center = self._level(self._turn)
            self._center_rate = rate
            self._turns = cycle((0, 1, 0, -1))
        self._turn = next(self._turns)
        if self._level(self._turn) == self._center:
            self._turn = 0

    def _level(self, turn: int) -> int:
        return min(self._largest, max(self._smallest, round(self._center * _STEP**turn)))
