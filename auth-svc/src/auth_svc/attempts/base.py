from typing import Protocol

from auth_svc.lockout import Attempts


class AttemptStore(Protocol):
    """Failed logins by a digest of the name that was tried. Blocking; safe from any thread."""

    def get(self, name: str) -> Attempts | None: ...

    def put(self, name: str, attempts: Attempts, *, was: Attempts | None) -> bool:
        """Writes it if what is stored still is ``was``; of two at once one wins."""
        ...

    def clear(self, name: str) -> None: ...

    def prune(self, before_s: float) -> int:
        """Drops those whose last attempt was before that; how many."""
        ...
