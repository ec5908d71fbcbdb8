"""Passes a reply on to the client, and knows how far it came."""

import orjson

from fleetserve.asgi import RawHeaders, Send, send_error, send_response
from fleetserve.clock import Clock
from fleetserve.error_shapes import body_for, is_openai
from fleetserve.errors import UpstreamError, as_fleet_error
from gateway.reply import Reply
from gateway.upstream.base import BrokenAnswerError


class Relay:
    """The client's side of one request; ``path`` says in what shape errors are.

    ``begin_s`` is when the request came, ``received_s`` when all of it was here; ``status`` is 499
    until an answer began: a client that left got none.
    """

    __slots__ = (
        "_clock", "_path", "_send", "_sends_events",
        "begin_s", "bytes_out", "received_s", "request_id", "started", "status",
    )  # fmt: skip

    def __init__(self, send: Send, request_id: str, clock: Clock, path: str = "") -> None:
        self._path = path
        self._send = send
        self._clock = clock
        self._sends_events = False
        self.begin_s = self.received_s = clock.monotonic_s()
        self.request_id = request_id
        self.status = 499
        self.bytes_out = 0
        self.started = False

    def received(self) -> None:
        """The body is here: what the caller's `timeout` covers begins."""
        self.received_s = self._clock.monotonic_s()

    async def pass_on(self, reply: Reply) -> None:
        """Sends the whole reply.

        Raises: UpstreamError: it broke off after it had begun.
        """
        await self._start(reply)
        if reply.content is not None:
            await self._write(reply.content, more=False)
            return
        try:
            async for chunk in reply.answer.chunks():
                await self._write(chunk, more=True)
        except BrokenAnswerError as exc:
            raise UpstreamError(
                "The replica broke off in its answer; try again.", code="upstream_lost"
            ) from exc
        await self._write(b"", more=False)

    async def answer(self, status: int, headers: RawHeaders, content: bytes) -> None:
        """Sends an answer of the gateway's own, as JSON."""
        self.started, self.status = True, status
        self.bytes_out += len(content)
        seconds = self._clock.monotonic_s() - self.begin_s
        head = [
            *headers,
            (b"content-type", b"application/json"),
            (b"x-request-id", self.request_id.encode()),
            (b"x-process-time", b"%.6f" % seconds),
        ]
        await send_response(self._send, status, head, content)

    async def fail(self, exc: BaseException) -> None:
        """Answers with an error; a stream of events that has begun ends with it.

        Raises: the exception itself where another answer had begun: closing the connection is
            the only way left to tell the client.
        """
        if not self.started:
            self.started = True
            self.status = await send_error(self._send, exc, self.request_id, self._path)
        elif self._sends_events:
            body = body_for(self._path, as_fleet_error(exc), self.request_id)
            # OpenAI's clients know an error by its body; to others an event's name tells it.
            kind = b"" if is_openai(self._path) else b"event: error\n"
            # The empty line first ends an event that broke off in its middle.
            event = b"\n\n" + kind + b"data: " + orjson.dumps(body) + b"\n\n"
            await self._write(event, more=False)
        else:
            raise exc

    async def _start(self, reply: Reply) -> None:
        self.started = True
        self.status = reply.status
        self._sends_events = reply.content is None and reply.is_event_stream
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
