"""An auth-svc that is a few dictionaries."""

import orjson

from fleetserve.auth.api_keys import KeyRecord
from fleetserve.errors import UnavailableError


class MemoryAuthSource:
    """Counts what it was asked; ``away`` makes it unreachable."""

    def __init__(self) -> None:
        self.jwks: list[dict[str, str]] = []
        self.keys: dict[str, KeyRecord] = {}
        self.away = False
        self.asked_jwks = 0
        self.asked_keys = 0

    async def public_keys(self) -> bytes:
        self.asked_jwks += 1
        self._answer()
        return orjson.dumps({"keys": self.jwks})

    async def key(self, digest: str) -> KeyRecord | None:
        self.asked_keys += 1
        self._answer()
        return self.keys.get(digest)

    def _answer(self) -> None:
        if self.away:
            raise UnavailableError("auth-svc is away")
