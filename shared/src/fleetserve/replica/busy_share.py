"""What share of the time a compute slot is busy."""

from fleetserve.clock import Clock
from fleetserve.replica.slot import ComputeSlot

# Asked again sooner, the answer stays: an announcement out of turn would measure milliseconds.
SHORTEST_S = 0.5


class BusyShare:
    """For one thread."""

    def __init__(self, slot: ComputeSlot, clock: Clock) -> None:
        self._slot = slot
        self._clock = clock
        self._at_s = clock.monotonic_s()
        self._worked_s = 0.0
        self._share = 0.0

    def share(self) -> float:
        """0 to 1, of the time since the last measurement, at least SHORTEST_S ago."""
        now_s, worked_s = self._clock.monotonic_s(), self._slot.worked_s()
        if now_s - self._at_s >= SHORTEST_S:
            busy_s = worked_s - self._worked_s
            self._share = round(min(1.0, max(0.0, busy_s / (now_s - self._at_s))), 4)
            self._at_s, self._worked_s = now_s, worked_s
        return self._share
