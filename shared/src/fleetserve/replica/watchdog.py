"""Ends a replica that can't compute any more; the orchestrator starts another one.

A thread that hangs in a kernel or a device whose context has faulted can't be repaired from
inside the process, and memory that a framework says it freed often is not: so the process ends.
"""

from collections.abc import Callable

import structlog

from fleetserve.clock import Clock
from fleetserve.replica.slot import ComputeSlot

log = structlog.get_logger(__name__)

PERIOD_S = 1.0
GRACE_S = 3.0
EXIT_STATUS = 70


class Watchdog:
    """Looks at a compute slot once a second.

    Args:
        stuck_s: A unit that has been running for so long is stuck.
        on_stuck: Called once with the reason, before the end: stop taking requests.
        end: Ends the process; called GRACE_S later, when answers under way are out and the
            fleet has heard that this replica is not ready.
    """

    def __init__(
        self,
        slot: ComputeSlot,
        clock: Clock,
        *,
        stuck_s: float,
        on_stuck: Callable[[str], None],
        end: Callable[[int], None],
    ) -> None:
        self._slot = slot
        self._clock = clock
        self._stuck_s = stuck_s
        self._on_stuck = on_stuck
        self._end = end

    def reason(self) -> str | None:
        """Why this replica has to be replaced; None: it computes, or has nothing to do."""
        if not self._slot.alive:
            return "the compute thread is dead"
        if self._slot.poisoned is not None:
            return f"the device can't be used any more: {self._slot.poisoned}"
        busy_s = self._slot.busy_s()
        if busy_s > self._stuck_s:
            return f"no compute progress for {busy_s:.0f} s"
        return None

    async def run(self) -> None:
        """Watches until the slot is stuck, then ends the process."""
        while (reason := self.reason()) is None:
            await self._clock.sleep(PERIOD_S)
        log.error("replica.stuck", reason=reason, progress=self._slot.progress)
        self._on_stuck(reason)
        await self._clock.sleep(GRACE_S)
        self._end(EXIT_STATUS)
