"""The port to the leadership: one autoscaler acts, the others watch."""

from typing import Protocol


class Lease(Protocol):
    """Held by one owner at a time, for a while; for the event loop.

    Who does not renew it in time has lost it, whether it knows so or not; so ``hold`` is called
    well within the time that it lasts. Both raise UnavailableError where nobody can tell who
    leads: then nobody does.
    """

    async def hold(self) -> str:
        """Takes the lease or renews it, where it is free or one's own; whose it is now."""
        ...

    async def release(self) -> None:
        """Lets go of it, if it is one's own, so that another one leads at once."""
        ...
