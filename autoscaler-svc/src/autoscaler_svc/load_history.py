"""The load of one service over the last minutes."""

from collections import deque
from dataclasses import dataclass

# A sample further from the one before it than this many periods leaves a gap behind it.
GAP_PERIODS = 4.0


@dataclass(frozen=True, slots=True)
class Sample:
    """``load`` held for the ``seconds`` before ``at_s``."""

    at_s: float
    load: float
    seconds: float


class LoadHistory:
    """Samples of one service, as long as the longest window; times are the caller's clock.

    Args:
        period_s: How often samples are expected.
        kept_s: The longest window.
    """

    def __init__(self, period_s: float, kept_s: float) -> None:
        self._period_s = period_s
        self._kept_s = kept_s
        self._samples: deque[Sample] = deque()
        self._since_s: float | None = None
        self._last_s: float | None = None
        self._busy_s: float | None = None

    def resize(self, period_s: float, kept_s: float) -> None:
        """The configuration has changed."""
        self._period_s, self._kept_s = period_s, kept_s

    def add(self, at_s: float, load: float) -> None:
        """The mean load since the sample before."""
        last_s = self._last_s
        if last_s is None or at_s - last_s > GAP_PERIODS * self._period_s:
            self._samples.clear()
            self._since_s = at_s - self._period_s
            seconds = self._period_s
            # Nobody knows what happened in a gap; idleness is counted from here on.
            self._busy_s = at_s
        else:
            seconds = at_s - last_s
        self._last_s = at_s
        self._samples.append(Sample(at_s, load, seconds))
        while self._samples and self._samples[0].at_s <= at_s - self._kept_s:
            self._samples.popleft()
        if load > 0:
            self._busy_s = at_s

    def forget(self, at_s: float) -> None:
        """Somebody has decided by hand: what was before counts no more, and is not missed."""
        self._samples.clear()
        self._since_s = at_s - self._kept_s
        self._last_s = at_s

    def mean(self, window_s: float, *, at_least_s: float) -> float:
        """The mean over the window's end.

        Where less is known it is as if the load before had been none, up to ``at_least_s``:
        the first second alone must not look like a whole window.
        """
        if self._last_s is None:
            return 0.0
        from_s = self._last_s - window_s
        area = covered = 0.0
        for sample in self._samples:
            if sample.at_s > from_s:
                area += sample.load * sample.seconds
                covered += sample.seconds
        return area / max(covered, at_least_s)

    @property
    def latest(self) -> float:
        return self._samples[-1].load if self._samples else 0.0

    def covered_s(self) -> float:
        """How long the load has been known without a gap."""
        if self._since_s is None or self._last_s is None:
            return 0.0
        return self._last_s - self._since_s

    def idle_s(self, now_s: float) -> float:
        """Time without any load, as far as is known."""
        return now_s - self._busy_s if self._busy_s is not None else 0.0
