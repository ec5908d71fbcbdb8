from collections.abc import Sequence
from typing import Protocol

from fleetserve.auth.revocations import Revocation


class RevocationFeed(Protocol):
    """How gateways learn of revocations. Blocking; safe from any thread; safe to repeat.

    Raises: UnavailableError: it can't be reached; nobody or some were told.
    """

    def publish(self, revocations: Sequence[Revocation], now_s: float) -> None:
        """Tells the gateways that listen now, and those that connect later.

        ``now_s`` (wall time) is when entries that have expired before are dropped.
        """
        ...
