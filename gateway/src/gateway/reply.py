"""A replica's answer, ready to be passed on: small ones whole, large ones as they come."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from gateway.exchange import Exchange
from gateway.upstream.base import RawHeaders, UpstreamAnswer

WHOLE_BELOW = 1024 * 1024
_KEPT = frozenset(
    {
        b"content-type",
        b"content-encoding",
        b"content-disposition",
        b"server-timing",
        b"retry-after",
        b"location",
        b"www-authenticate",
        b"allow",
        b"cache-control",
        b"inference-header-content-length",
        b"x-total-lines",
        b"x-file-size",
        b"x-audio-duration",
        b"x-audio-sample-rate",
        b"x-audio-channels",
        b"x-audio-warning",
    }
)


@dataclass(slots=True)
class Reply:
    """``content`` is the whole body where it was small, else None and ``answer`` streams it.

    ``in_flight`` is the count that the replica told, this request included; None: it told none.
    """

    status: int
    headers: RawHeaders
    length: int | None
    in_flight: int | None
    shed: bool
    answer: UpstreamAnswer
    content: bytes | None = None

    @property
    def media_type(self) -> bytes:
        return self.header(b"content-type").partition(b";")[0].strip()

    @property
    def is_event_stream(self) -> bool:
        return self.media_type == b"text/event-stream"

    def header(self, name: bytes) -> bytes:
        """The first of that name; empty: there is none."""
        return next((value for known, value in self.headers if known == name), b"")

    async def take(self) -> bytes:
        """The whole body, however large; ``content`` has it from then on.

        Raises: BrokenAnswerError.
        """
        if self.content is None:
            self.content = await self.answer.read()
            self.answer.close()
        return self.content


class Replies(Protocol):
    """What has the fleet answer an exchange."""

    def reply_to(self, exchange: Exchange) -> AbstractAsyncContextManager[Reply]:
        """See Dispatcher."""
        ...


async def open_reply(answer: UpstreamAnswer) -> Reply:
    """Reads the head, and the body where it is small.

    A replica that dies in the middle of a small answer has so given none, and the request can
    be repeated.

    Raises: BrokenAnswerError.
    """
    reply = Reply(answer.status, [], None, None, shed=False, answer=answer)
    for name, value in answer.headers:
        if name in _KEPT:
            reply.headers.append((name, value))
        elif name == b"content-length":
            reply.length = int(value)
        elif name == b"x-fleet-in-flight":
            reply.in_flight = int(value)
        elif name == b"x-fleet-shed":
            reply.shed = True
    if reply.length is not None and reply.length <= WHOLE_BELOW:
        reply.content = await answer.read()
    return reply
