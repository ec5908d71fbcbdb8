"""Asks replicas directly how they are, while Redis can't tell."""

import asyncio

import msgspec
import structlog

from fleetserve.announcements import decode_announcement
from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError
from fleetserve.tasks import AUDIO_SERVICE, INFERENCE_SERVICE
from gateway.replica_table import Replica, ReplicaTable
from gateway.service_calls import ServiceCalls

log = structlog.get_logger(__name__)

PERIOD_S = 1.0
TIMEOUT_S = 1.0
# One that does not answer stays suspect until the next probe has had its time.
SUSPECT_S = PERIOD_S + TIMEOUT_S + 0.5
SERVING = (INFERENCE_SERVICE, AUDIO_SERVICE)


class Prober:
    """While the table is frozen, asks each replica for the announcement it would make."""

    def __init__(self, table: ReplicaTable, calls: ServiceCalls, clock: Clock) -> None:
        self._table = table
        self._calls = calls
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self._clock.sleep(PERIOD_S)
            if self._table.frozen:
                await self.probe_all()

    async def probe_all(self) -> None:
        replicas = [r for service in SERVING for r in self._table.all(service)]
        await asyncio.gather(*(self._probe(replica) for replica in replicas))

    async def _probe(self, replica: Replica) -> None:
        try:
            status, content = await self._calls.get(replica, "/internal/status", TIMEOUT_S)
            if status != 200:
                raise UnavailableError(f"it answered {status}")
            self._table.update(decode_announcement(content))
        except (UnavailableError, msgspec.MsgspecError, UnicodeDecodeError) as exc:
            if self._table.suspect(replica, SUSPECT_S):
                log.info("probe.failed", upstream=replica.id, reason=str(exc))
