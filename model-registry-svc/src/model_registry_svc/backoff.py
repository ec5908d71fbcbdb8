"""How long to wait before a transfer is tried again; pure."""

from collections.abc import Callable

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 30.0
# Ten tries without a byte are about two minutes.
MAX_FAILURES = 10


class Backoff:
    """Doubling delays with jitter, for one transfer.

    Args:
        random: In [0, 1); spreads workers that failed together.
        max_failures: So many failures in a row are the end.
    """

    def __init__(self, random: Callable[[], float], max_failures: int = MAX_FAILURES) -> None:
        self._random = random
        self._max_failures = max_failures
        self._failures = 0

    def succeeded(self) -> None:
        """Bytes came: the next failure is a first one."""
        self._failures = 0

    def next_delay_s(self, retry_after_s: float | None = None) -> float | None:
        """Seconds until the next try, at least what the server asked for; None: give up."""
        self._failures += 1
        if self._failures >= self._max_failures:
            return None
        delay_s = min(FIRST_DELAY_S * 2.0 ** (self._failures - 1), LONGEST_DELAY_S)
        return max(delay_s * (0.75 + 0.5 * self._random()), retry_after_s or 0.0)
