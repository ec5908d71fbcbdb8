"""What auth-svc does by itself, beside answering."""

import asyncio
from collections.abc import Callable

import structlog

from auth_svc.attempts.base import AttemptStore
from auth_svc.lockout import FORGET_S
from auth_svc.revoker import Revoker
from auth_svc.sessions.base import SessionStore
from auth_svc.signing_keys import SigningKeys
from auth_svc.tally import Tally
from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError
from fleetserve.metrics.requests import RequestMetrics

log = structlog.get_logger(__name__)

PERIOD_S = 1.0
PRUNE_EVERY_S = 3600.0
RENEW_EVERY_S = 60.0


class Upkeep:
    """Tells gateways what they may have missed, renews keys, forgets what is over."""

    def __init__(
        self,
        revoker: Revoker,
        sessions: SessionStore,
        attempts: AttemptStore,
        keys: SigningKeys,
        tally: Tally,
        metrics: RequestMetrics,
        clock: Clock,
    ) -> None:
        self._revoker = revoker
        self._sessions = sessions
        self._attempts = attempts
        self._keys = keys
        self._tally = tally
        self._metrics = metrics
        self._clock = clock
        self._due: dict[str, float] = {}

    async def run(self) -> None:
        """Until cancelled; a database that is away is tried again."""
        while True:
            await self.once()
            await self._clock.sleep(PERIOD_S)

    async def once(self) -> None:
        """One round: whatever is due."""
        for name, count in self._tally.drain().items():
            self._metrics.count(name, count)
        self._metrics.gauges["revocations_untold"] = float(self._revoker.behind)
        if self._revoker.due:
            await self._try("sync", self._revoker.sync)
        if self._is_due("renew", RENEW_EVERY_S):
            await self._try("renew", self._keys.renew)
        if self._is_due("prune", PRUNE_EVERY_S):
            await self._try("prune", self.prune)

    def prune(self) -> None:
        now_s = self._clock.now_s()
        self._sessions.prune(now_s)
        self._attempts.prune(now_s - FORGET_S)
        self._revoker.prune()

    def _is_due(self, name: str, every_s: float) -> bool:
        now_s = self._clock.monotonic_s()
        if now_s < self._due.get(name, now_s):
            return False
        self._due[name] = now_s + every_s
        return True

    @staticmethod
    async def _try(name: str, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(work)
        except (UnavailableError, OSError) as exc:
            log.warning("upkeep.failed", work=name, error=str(exc))
