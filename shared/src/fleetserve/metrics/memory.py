"""Roll-ups in this process, for tests and for a fleet without Redis."""

from fleetserve.metrics.base import KEPT_S
from fleetserve.metrics.rollup import RollUp


class MemoryMetricsStore:
    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, int], RollUp] = {}

    async def record(self, rollup: RollUp) -> None:
        self._kept[(rollup.service, rollup.replica_id, rollup.at_s)] = rollup
        oldest = rollup.at_s - KEPT_S
        for key in [k for k in self._kept if k[2] < oldest]:
            del self._kept[key]

    async def window(self, since_s: float) -> list[RollUp]:
        found = [r for r in self._kept.values() if r.at_s >= since_s]
        return sorted(found, key=lambda r: r.at_s)
