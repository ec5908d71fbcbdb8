"""Passes a reply on to the client, and knows how far it came."""

from fleetserve.asgi import Send, send_error
from fleetserve.clock import Clock
from gateway.reply import Reply
from gateway.upstream.base import BrokenAnswerError

_STREAM_ERROR = (
    b'event: error\ndata: {"success": false, "error": "Bad answer from a service",'
    b' "detail": "The replica broke off in its answer; try again.", "code": "upstream_lost"}\n\n'
)


class Relay:
    """The client's side of one request.

    ``begin_s`` is when the request came; ``status`` is 499 until an answer began: a client
    that left got none.
    """

    __slots__ = ("_clock", "_send", "begin_s", "bytes_out", "request_id", "started", "status")

    def __init__(self, send: Send, request_id: str, clock: Clock) -> None:
        self._send = send
        self._clock = clock
        self.begin_s = clock.monotonic_s()
        self.request_id = request_id
        self.status = 499
        self.bytes_out = 0
        self.started = False

    async def pass_on(self, reply: Reply) -> None:
        """Sends the whole reply.

        Raises: BrokenAnswerError: it broke off after it had begun; closing the connection is
            the only way left to tell the client.
        """
        await self._start(reply)
        if reply.content is not None:
            await self._write(reply.content, more=False)
            return
        try:
            async for chunk in reply.answer.chunks():
                await self._write(chunk, more=True)
        except BrokenAnswerError:
            if not reply.is_event_stream:
                raise
            await self._write(_STREAM_ERROR, more=True)
        await self._write(b"", more=False)

    async def fail(self, exc: BaseException) -> None:
        """Answers with an error. Raises: the exception itself where an answer had begun."""
        if self.started:
            raise exc
        self.started = True
        self.status = await send_error(self._send, exc, self.request_id)

    async def _start(self, reply: Reply) -> None:
        self.started = True
        self.status = reply.status
        headers = reply.headers
        seconds = self._clock.monotonic_s() - self.begin_s
        headers.append((b"x-request-id", self.request_id.encode()))
        headers.append((b"x-process-time", b"%.6f" % seconds))
        if reply.length is not None:
            headers.append((b"content-length", b"%d" % reply.length))
        await self._send(
            {"type": "http.response.start", "status": reply.status, "headers": headers}
        )

    async def _write(self, content: bytes, *, more: bool) -> None:
        self.bytes_out += len(content)
        await self._send({"type": "http.response.body", "body": content, "more_body": more})
