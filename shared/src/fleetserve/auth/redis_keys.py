"""The names of auth's keys in Redis, under the fleet's prefix."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuthKeys:
    prefix: str

    @property
    def revocations(self) -> str:
        """Sorted set: a revocation's text by the second it may be forgotten."""
        return f"{self.prefix}:auth:revocations"

    @property
    def revocations_channel(self) -> str:
        return f"{self.prefix}:auth:revocations:added"

    def quota(self, limit: str, principal: str) -> str:
        """Hash: what is left of one principal's rate limit, and since when."""
        return f"{self.prefix}:auth:quota:{limit}:{principal}"
