"""How many jobs wait and run, for /stats and /metrics."""

import asyncio

from fleetserve.jobs.ledger.base import Depth, JobLedger, LedgerUnavailableError


class JobGauge:
    """On the event loop; Redis is asked in a thread."""

    def __init__(self, ledger: JobLedger) -> None:
        self._ledger = ledger

    async def depth(self) -> Depth | None:
        """None while Redis is away."""
        try:
            return await asyncio.to_thread(self._ledger.depth)
        except LedgerUnavailableError:
            return None


def prometheus_text(depth: Depth | None) -> str:
    """The gauge as /metrics shows it; nothing while it is not known."""
    if depth is None:
        return ""
    return (
        "# HELP fleetserve_jobs Jobs that are not finished.\n"
        "# TYPE fleetserve_jobs gauge\n"
        f'fleetserve_jobs{{state="queued"}} {depth.queued}\n'
        f'fleetserve_jobs{{state="running"}} {depth.running}\n'
    )
