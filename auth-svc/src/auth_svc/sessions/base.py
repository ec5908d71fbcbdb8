from typing import Protocol

from auth_svc.identities import Session


class SessionStore(Protocol):
    """Logins that have not ended. Blocking; safe from any thread."""

    def add(self, session: Session) -> None: ...

    def get(self, session_id: str) -> Session | None: ...

    def of_user(self, user_id: str) -> list[Session]:
        """Oldest first."""
        ...

    def rotate(self, session_id: str, *, was: str, digest: str, expires_at: float) -> bool:
        """Replaces the refresh token's digest if it still is ``was``; of two at once one wins."""
        ...

    def end(self, session_id: str) -> bool:
        """Whether it had not ended before."""
        ...

    def prune(self, now_s: float) -> int:
        """Drops those that have expired; how many."""
        ...
