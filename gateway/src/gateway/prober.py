"""Asks replicas directly how they are, while Redis can't tell."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from fleetserve.announcements import decode_announcement
from fleetserve.clock import Clock
from fleetserve.tokens import TOKEN_HEADER, TokenSigner
from gateway.replica_table import Replica, ReplicaTable
from gateway.upstream.base import BrokenAnswerError, Upstream, UpstreamFailedError

log = structlog.get_logger(__name__)

PERIOD_S = 1.0
TIMEOUT_S = 1.0


class Prober:
    """While the table is frozen, asks each replica for the announcement it would make."""

    def __init__(
        self,
        table: ReplicaTable,
        upstream: Callable[[], Upstream],
        signer: TokenSigner,
        clock: Clock,
    ) -> None:
        self._table = table
        self._upstream = upstream
        self._signer = signer
        self._clock = clock

    async def run(self) -> None:
        while True:
            await self._clock.sleep(PERIOD_S)
            if self._table.frozen:
                await self.probe_all()

    async def probe_all(self) -> None:
        replicas = [r for r in self._table.all() if r.announced.service != "gateway"]
        await asyncio.gather(*(self._probe(replica) for replica in replicas))

    async def _probe(self, replica: Replica) -> None:
        token = self._signer.token_for(replica.announced.service)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._upstream().send(
                    replica.address, "GET", "/internal/status", [(TOKEN_HEADER, token)], None
                )
                try:
                    content = await answer.read()
                finally:
                    answer.close()
            if answer.status == 200:
                self._table.update(decode_announcement(content))
        except (UpstreamFailedError, BrokenAnswerError, TimeoutError, msgspec.MsgspecError) as exc:
            self._table.suspect(replica)
            log.info("probe.failed", replica=replica.id, reason=str(exc))
