"""The port that the gateway learns the fleet from."""

from typing import Protocol


class Directory(Protocol):
    """Feeds the replica table and the known models; for the event loop.

    ``run`` goes on until cancelled, survives its source being away or hung, and freezes the
    table meanwhile.
    """

    async def run(self) -> None: ...

    @property
    def away_reason(self) -> str:
        """Why the source can't be heard; empty while it can."""
        ...
