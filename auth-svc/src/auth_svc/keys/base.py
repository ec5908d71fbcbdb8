from typing import Protocol

from auth_svc.identities import ApiKey


class KeyStore(Protocol):
    """API keys, expired ones too until they are deleted. Blocking; safe from any thread."""

    def add(self, key: ApiKey) -> None: ...

    def get(self, key_id: str) -> ApiKey | None: ...

    def by_digest(self, digest: str) -> ApiKey | None: ...

    def of_user(self, user_id: str) -> list[ApiKey]:
        """Oldest first."""
        ...

    def delete(self, key_id: str) -> bool:
        """Whether there was one."""
        ...

    def note_use(self, key_id: str, at_s: float) -> None: ...
