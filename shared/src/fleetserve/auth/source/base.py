"""The port to auth-svc."""

from typing import Protocol

from fleetserve.auth.api_keys import KeyRecord


class AuthSource(Protocol):
    """Answers from auth-svc, for the event loop; both calls are safe to repeat.

    Raises: UnavailableError: it can't be reached, or answers nonsense.
    """

    async def public_keys(self) -> bytes:
        """The JWKS of the keys that access tokens are signed with."""
        ...

    async def key(self, digest: str) -> KeyRecord | None:
        """The API key with that digest, or None where no such key holds."""
        ...
