"""The port to the fleet's other processes."""

from collections.abc import AsyncIterator
from typing import Protocol

from gateway.bodies import Body

RawHeaders = list[tuple[bytes, bytes]]


class UpstreamFailedError(Exception):
    """The connection was refused, reset or closed before an answer began.

    Attributes:
        sent: The request may have reached the other side (a reset, not a refusal).
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class BrokenAnswerError(Exception):
    """An answer that had begun broke off."""


class UpstreamAnswer(Protocol):
    """An answer whose head has arrived. ``headers`` have lower-case names."""

    status: int
    headers: RawHeaders

    async def read(self) -> bytes:
        """The whole body. Raises: BrokenAnswerError."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises: BrokenAnswerError."""
        ...

    def close(self) -> None:
        """Ends the exchange; one that was not read to its end closes its connection."""
        ...


class Upstream(Protocol):
    """Sends one request; for the event loop. Cancelling ends the exchange at the other side.

    Raises (from send): UpstreamFailedError: no answer began.
    """

    async def send(
        self,
        address: str,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: Body | None,
    ) -> UpstreamAnswer: ...

    async def close(self) -> None: ...
