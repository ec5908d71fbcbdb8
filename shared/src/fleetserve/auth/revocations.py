"""What no longer holds, although its signature and its time say it does."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Self

import msgspec

from fleetserve.clock import Clock

PRUNE_EVERY_S = 60.0


class RevokedKind(StrEnum):
    """A session: logged out. A key: deleted. A user: whatever was given out before ``version``."""

    SESSION = "session"
    KEY = "key"
    USER = "user"


class Revocation(msgspec.Struct, frozen=True):
    """One entry of the list.

    A user's ``version`` rises with each change that old credentials must not outlive (role,
    password, disabled), so that no clocks are compared. ``expires_at`` (wall time) is when
    nothing that it speaks of can still be in use.
    """

    kind: RevokedKind
    id: str
    expires_at: float
    version: int = 0

    def text(self) -> str:
        return f"{self.kind}:{self.id}:{self.version}"

    @classmethod
    def from_text(cls, text: str, expires_at: float) -> Self:
        """Raises: ValueError: not what ``text`` made."""
        kind, identity, version = text.split(":")
        return cls(RevokedKind(kind), identity, expires_at, int(version))


_decode = msgspec.json.Decoder(list[Revocation]).decode


def encode_revocations(revocations: Iterable[Revocation]) -> bytes:
    return msgspec.json.encode(list(revocations))


def decode_revocations(raw: bytes) -> list[Revocation]:
    """Raises: msgspec.DecodeError: not a list of revocations."""
    return _decode(raw)


Listener = Callable[[Revocation], None]


class RevocationList:
    """The list as one process holds it; entries are only ever added, until they expire.

    For the event loop. Adding what is there already is free of effects.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gone: dict[tuple[RevokedKind, str], float] = {}
        self._versions: dict[str, tuple[int, float]] = {}
        self._listeners: list[Listener] = []
        self._prune_at_s = clock.monotonic_s() + PRUNE_EVERY_S

    def __len__(self) -> int:
        return len(self._gone) + len(self._versions)

    def listen(self, listener: Listener) -> None:
        """``listener`` is called with each entry that is new."""
        self._listeners.append(listener)

    def add(self, revocations: Iterable[Revocation]) -> None:
        for revocation in revocations:
            if self._is_new(revocation):
                for listener in self._listeners:
                    listener(revocation)
        if self._clock.monotonic_s() >= self._prune_at_s:
            self._prune()

    def session_is_revoked(self, session_id: str) -> bool:
        return (RevokedKind.SESSION, session_id) in self._gone

    def key_is_revoked(self, key_id: str) -> bool:
        return (RevokedKind.KEY, key_id) in self._gone

    def lowest_version(self, user_id: str) -> int:
        """Credentials of that user with a lower version don't hold."""
        found = self._versions.get(user_id)
        return found[0] if found is not None else 0

    def _is_new(self, revocation: Revocation) -> bool:
        if revocation.kind is RevokedKind.USER:
            if self.lowest_version(revocation.id) >= revocation.version:
                return False
            self._versions[revocation.id] = (revocation.version, revocation.expires_at)
            return True
        key = (revocation.kind, revocation.id)
        if key in self._gone:
            return False
        self._gone[key] = revocation.expires_at
        return True

    def _prune(self) -> None:
        now_s = self._clock.now_s()
        self._prune_at_s = self._clock.monotonic_s() + PRUNE_EVERY_S
        self._gone = {key: end for key, end in self._gone.items() if end > now_s}
        self._versions = {key: kept for key, kept in self._versions.items() if kept[1] > now_s}
