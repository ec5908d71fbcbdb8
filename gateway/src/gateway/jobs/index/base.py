"""The port to the list of jobs: ids by principal, newest first. The records are the ledger's."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Listed:
    """An id, and where it stands in the list: a time in microseconds."""

    job_id: str
    place: int


class JobIndex(Protocol):
    """Blocking, safe from several threads and processes.

    Raises (from every method): LedgerUnavailableError: Redis is away.
    """

    def add(self, principal: str, job_id: str) -> None:
        """A job of that principal was made now; one that stands there already stays where it is."""
        ...

    def page(self, principal: str | None, limit: int, before: int | None) -> list[Listed]:
        """At most ``limit`` jobs older than the place ``before``, newest first.

        principal: None: everybody's.
        """
        ...

    def forget(self, principal: str, job_id: str) -> None:
        """Its record is gone. Idempotent."""
        ...
