"""What gateways take quota from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limit:
    """``requests`` in ``per_s`` seconds: a bucket of that size that fills at that rate."""

    requests: int
    per_s: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.per_s


@dataclass(frozen=True, slots=True)
class QuotaAsk:
    """A gateway wants to take ``wanted`` requests of a principal's quota."""

    limit_name: str
    principal: str
    limit: Limit
    wanted: int


@dataclass(frozen=True, slots=True)
class Grant:
    """``granted`` were taken, 0 to ``wanted``; ``left`` is what the bucket holds now."""

    granted: int
    left: float


class QuotaStore(Protocol):
    """One token bucket per limit and principal, shared by all gateways; full at first.

    For the event loop. Not idempotent: each call takes.

    Raises: UnavailableError: the store can't be reached; something may have been taken.
    """

    async def take(self, asks: Sequence[QuotaAsk]) -> list[Grant]:
        """A grant for each, in order. Buckets that are full again take no room."""
        ...
