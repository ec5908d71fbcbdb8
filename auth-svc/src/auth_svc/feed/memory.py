from collections.abc import Sequence

from fleetserve.auth.revocations import Revocation
from fleetserve.errors import UnavailableError


class MemoryRevocationFeed:
    """``away`` makes it unreachable."""

    def __init__(self) -> None:
        self.away = False
        self._told: dict[str, Revocation] = {}

    def publish(self, revocations: Sequence[Revocation], now_s: float) -> None:
        if self.away:
            raise UnavailableError("the feed is away")
        self._told |= {entry.text(): entry for entry in revocations}
        over = [text for text, entry in self._told.items() if entry.expires_at <= now_s]
        for text in over:
            del self._told[text]

    def told(self) -> list[Revocation]:
        return list(self._told.values())
