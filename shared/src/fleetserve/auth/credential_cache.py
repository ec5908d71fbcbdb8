"""Credentials that were verified, until they expire or are revoked."""

from dataclasses import dataclass

from fleetserve.auth.principals import Principal
from fleetserve.auth.revocations import Revocation, RevokedKind
from fleetserve.clock import Clock

Subject = tuple[RevokedKind, str]


@dataclass(frozen=True, slots=True)
class Known:
    """A verified credential, and what a revocation of it would name ("": nothing)."""

    principal: Principal
    session_id: str
    key_id: str
    user_id: str
    version: int

    def subjects(self) -> list[Subject]:
        named = (
            (RevokedKind.SESSION, self.session_id),
            (RevokedKind.KEY, self.key_id),
            (RevokedKind.USER, self.user_id),
        )
        return [subject for subject in named if subject[1]]


@dataclass(slots=True)
class _Entry:
    known: Known
    verified_s: float
    good_until_s: float
    ends_s: float


class CredentialCache:
    """At most ``size`` credentials; the one put in first leaves first. For one thread."""

    def __init__(self, clock: Clock, size: int) -> None:
        self._clock = clock
        self._size = size
        self._entries: dict[str, _Entry] = {}
        self._by_subject: dict[Subject, set[str]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def principal(self, credential: str) -> Principal | None:
        """Whose it is, while it is good; None where it must be verified (again)."""
        entry = self._entries.get(credential)
        if entry is None or entry.good_until_s <= self._clock.monotonic_s():
            return None
        return entry.known.principal

    def stale(self, credential: str, for_s: float) -> Principal | None:
        """Whose it was, if it was verified less than ``for_s`` ago and has not ended since."""
        entry, now_s = self._entries.get(credential), self._clock.monotonic_s()
        if entry is None or now_s >= min(entry.ends_s, entry.verified_s + for_s):
            return None
        return entry.known.principal

    def put(
        self, credential: str, known: Known, *, good_s: float, ends_s: float | None = None
    ) -> None:
        """Remembers it as good for ``good_s``, and as good again on ``renew`` for ``ends_s``."""
        self.drop(credential)
        if len(self._entries) >= self._size:
            self.drop(next(iter(self._entries)))
        now_s = self._clock.monotonic_s()
        ends_at_s = now_s + (good_s if ends_s is None else ends_s)
        self._entries[credential] = _Entry(known, now_s, now_s + good_s, ends_at_s)
        for subject in known.subjects():
            self._by_subject.setdefault(subject, set()).add(credential)

    def renew(self, credential: str, good_s: float) -> None:
        """Good for so much longer, but not beyond its own end."""
        entry = self._entries.get(credential)
        if entry is not None:
            entry.good_until_s = min(entry.ends_s, self._clock.monotonic_s() + good_s)

    def drop(self, credential: str) -> None:
        entry = self._entries.pop(credential, None)
        if entry is None:
            return
        for subject in entry.known.subjects():
            credentials = self._by_subject[subject]
            credentials.discard(credential)
            if not credentials:
                del self._by_subject[subject]

    def forget(self, revocation: Revocation) -> None:
        """Drops every credential that the revocation speaks of."""
        subject = (revocation.kind, revocation.id)
        for credential in tuple(self._by_subject.get(subject, ())):
            version = self._entries[credential].known.version
            if revocation.kind is not RevokedKind.USER or version < revocation.version:
                self.drop(credential)
