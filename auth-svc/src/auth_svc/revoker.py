"""Takes back what was given out: written down first, then told to the gateways."""

from collections.abc import Iterable

import structlog

from auth_svc.feed.base import RevocationFeed
from auth_svc.revocations.base import RevocationStore
from fleetserve.auth.revocations import Revocation, RevokedKind
from fleetserve.clock import Clock
from fleetserve.errors import UnavailableError

log = structlog.get_logger(__name__)

# Gateways use an API key for at most a day without asking; an hour lies over that.
KEPT_S = 25 * 3600.0
SYNC_EVERY_S = 10.0


class Revoker:
    """Safe from any thread. With Redis away nothing is lost: ``sync`` tells it later.

    Args:
        token_s: An access token's lifetime.
    """

    def __init__(
        self, store: RevocationStore, feed: RevocationFeed, clock: Clock, *, token_s: float
    ) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._token_s = token_s
        self._synced_s = float("-inf")
        self.behind = False

    def sessions(self, session_ids: Iterable[str]) -> None:
        until = self._clock.now_s() + self._token_s + 60
        self._revoke([Revocation(RevokedKind.SESSION, sid, until) for sid in session_ids])

    def keys(self, key_ids: Iterable[str]) -> None:
        until = self._clock.now_s() + KEPT_S
        self._revoke([Revocation(RevokedKind.KEY, key_id, until) for key_id in key_ids])

    def user(self, user_id: str, version: int) -> None:
        """Whatever that user was given before ``version``."""
        until = self._clock.now_s() + max(KEPT_S, self._token_s + 60)
        self._revoke([Revocation(RevokedKind.USER, user_id, until, version)])

    @property
    def due(self) -> bool:
        """It is time to tell the gateways everything again, or they may have missed some."""
        return self.behind or self._clock.monotonic_s() - self._synced_s >= SYNC_EVERY_S

    def sync(self) -> None:
        """Tells the gateways everything again, if that is due."""
        if not self.due:
            return
        now_s = self._clock.now_s()
        # Cleared before the list is read: what is added meanwhile sets it again.
        self.behind = False
        if self._publish(self._store.live(now_s)):
            self._synced_s = self._clock.monotonic_s()

    def prune(self) -> None:
        self._store.prune(self._clock.now_s())

    def _revoke(self, revocations: list[Revocation]) -> None:
        if not revocations:
            return
        self._store.add(revocations)
        self._publish(revocations)

    def _publish(self, revocations: list[Revocation]) -> bool:
        try:
            self._feed.publish(revocations, self._clock.now_s())
        except UnavailableError as exc:
            if not self.behind:
                log.warning("revocations.untold", error=exc.detail)
            self.behind = True
            return False
        return True
