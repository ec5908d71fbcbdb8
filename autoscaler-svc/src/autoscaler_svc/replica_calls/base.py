"""The port to the replicas' own routes."""

from typing import Protocol

from fleetserve.announcements import Announcement


class ReplicaCalls(Protocol):
    """Asks one replica; for the event loop. Every call is idempotent.

    ``load`` and ``unload`` raise UnavailableError where it does not answer, and what it answered
    otherwise: DoesNotFitError, NotFoundError (another revision is published), ConflictError (it
    is to stay), UpstreamError with its detail (the model can't be loaded).
    """

    async def load(self, replica: Announcement, name: str, revision: str) -> None:
        """Returns when the model serves there; that can take minutes."""
        ...

    async def unload(
        self, replica: Announcement, name: str, revision: str, *, idle_s: float | None = None
    ) -> None:
        """Returns when it takes no new request there; what is in flight holds it on.

        With ``idle_s`` only if it is not pinned and unused for so long.
        """
        ...

    async def is_alive(self, replica: Announcement) -> bool:
        """Whether it answers at all, within a few seconds."""
        ...

    async def close(self) -> None: ...
