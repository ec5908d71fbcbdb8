"""Pushes the one-second roll-up of this process, for as long as it runs."""

import resource
import sys
from collections.abc import MutableSequence

import structlog

from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError
from fleetserve.metrics.base import MetricsStore
from fleetserve.metrics.requests import RequestMetrics
from fleetserve.metrics.rollup import RollUp

log = structlog.get_logger(__name__)


def memory_mb() -> float:
    """Resident memory of this process in MiB (Linux: now; elsewhere: its peak)."""
    try:
        # Read each second: unbuffered bytes cost half of what text does.
        with open("/proc/self/statm", "rb", buffering=0) as statm:  # noqa: PTH123
            return int(statm.read().split()[1]) * resource.getpagesize() / 1048576
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1048576 if sys.platform == "darwin" else 1024)


class MetricsPusher:
    """Keeps the roll-ups in ``history`` too, for this process's own dashboard."""

    def __init__(
        self,
        metrics: RequestMetrics,
        store: MetricsStore,
        clock: Clock,
        history: MutableSequence[RollUp],
    ) -> None:
        self._metrics = metrics
        self._store = store
        self._clock = clock
        self._history = history
        self._failing = False

    async def run(self) -> None:
        """Pushes each second until cancelled; what Redis can't take is logged once and lost."""
        while True:
            await self._clock.sleep(1.0)
            await self.push()

    async def push(self) -> None:
        self._metrics.gauges["memory_mb"] = round(memory_mb(), 1)
        rollup = self._metrics.roll_up(int(self._clock.now_s()))
        self._history.append(rollup)
        try:
            await self._store.record(rollup)
            self._failing = False
        except UnavailableError as exc:
            if not self._failing:
                log.warning("metrics.push_failed", error=exc.detail)
            self._failing = True
