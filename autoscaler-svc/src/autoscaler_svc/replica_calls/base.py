"""The port to the replicas' own routes."""

from typing import Protocol

from fleetserve.announcements import Announcement


class ReplicaCalls(Protocol):
    """Asks one replica; for the event loop. Every call is idempotent.

    ``load`` and ``unload`` raise UnavailableError where it does not answer, and what it answered
    otherwise: DoesNotFitError, NotFoundError (another revision is published), UpstreamError with
    its detail (the model can't be loaded).
    """

    async def load(self, replica: Announcement, name: str, revision: str) -> None:
        """Returns when the model serves there; that can take minutes."""
        ...

    async def unload(self, replica: Announcement, name: str, revision: str) -> None:
        """Returns when it takes no new request there; what is in flight holds it on."""
        ...

    async def is_alive(self, replica: Announcement) -> bool:
        """Whether it answers at all, within a few seconds."""
        ...

    async def close(self) -> None: ...
