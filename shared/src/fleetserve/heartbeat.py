"""What a process tells Redis each second for as long as it runs: that it is there, and how it was.

Both go in one exchange. Apart they cost 1.6 ms of CPU a second, together 0.8, and a fleet of ten
idle processes does nothing else.
"""

import resource
import sys
from collections.abc import MutableSequence

from fleetserve.announcements import PERIOD_S, Announcer
from fleetserve.clock import Clock
from fleetserve.metrics.redis import RedisMetricsStore
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.metrics.rollup import RollUp


def memory_mb() -> float:
    """Resident memory of this process in MiB (Linux: now; elsewhere: its peak)."""
    try:
        # Read each second: unbuffered bytes cost half of what text does.
        with open("/proc/self/statm", "rb", buffering=0) as statm:  # noqa: PTH123
            return int(statm.read(64).split()[1]) * resource.getpagesize() / 1048576
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1048576 if sys.platform == "darwin" else 1024)


class Heartbeat:
    """Keeps the roll-ups in ``history`` too, for this process's own dashboard."""

    def __init__(
        self,
        announcer: Announcer,
        metrics: RequestMetrics,
        store: RedisMetricsStore,
        clock: Clock,
        history: MutableSequence[RollUp],
    ) -> None:
        self._announcer = announcer
        self._metrics = metrics
        self._store = store
        self._clock = clock
        self._history = history

    async def run(self) -> None:
        """Beats until cancelled; there is a first second to tell of after a second."""
        await self._announcer.announce_now()
        while True:
            await self._clock.sleep(PERIOD_S)
            await self.beat()

    async def beat(self) -> None:
        """One exchange; what Redis can't take is logged once and lost."""
        self._metrics.gauges["memory_mb"] = round(memory_mb(), 1)
        rollup = self._metrics.roll_up(int(self._clock.now_s()))
        self._history.append(rollup)
        if not await self._announcer.announce_now(lambda pipe: self._store.write(pipe, rollup)):
            self._store.lost()
