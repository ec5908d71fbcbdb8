"""Writes one answer, whole or in chunks, and knows whether it has begun."""

from collections.abc import AsyncIterator

from fleetserve.asgi import RawHeaders, Send
from fleetserve.error_shapes import render_for
from fleetserve.replica.exchange import Answer

_END = b""


class Reply:
    """The answer to one request; errors are in the shape of its ``path``.

    Attributes:
        status: What was sent; 499 when the client left before anything was.
        size: Bytes of the body sent so far.
        in_flight: What the gateway is told of this replica's load, without this request.
    """

    __slots__ = ("_begun", "_path", "_send", "in_flight", "model", "request_id", "size", "status")

    def __init__(self, send: Send, request_id: str, path: str = "") -> None:
        self._send = send
        self._path = path
        self._begun = False
        self.request_id = request_id
        self.in_flight = 0
        self.status = 0
        self.size = 0
        self.model = ""

    async def answer(self, answer: Answer) -> None:
        """Sends an answer. An error before its first chunk is raised with nothing sent."""
        self.model = answer.model
        if isinstance(answer.body, bytes):
            headers = self._headers(answer)
            headers.append((b"content-length", b"%d" % len(answer.body)))
            await self._start(answer.status, headers)
            self.size = len(answer.body)
            await self._send({"type": "http.response.body", "body": answer.body})
        else:
            await self._stream(answer, answer.body)

    async def fail(self, exc: BaseException) -> None:
        """Sends an error; where an answer has begun it stays unfinished, so it is aborted."""
        if self._begun:
            return
        status, named, body = render_for(self._path, exc, self.request_id)
        headers = [(k.lower().encode(), v.encode("utf-8")) for k, v in named.items()]
        headers.append((b"x-fleet-in-flight", b"%d" % self.in_flight))
        headers.append((b"content-length", b"%d" % len(body)))
        await self._start(status, headers)
        await self._send({"type": "http.response.body", "body": body})

    async def _stream(self, answer: Answer, chunks: AsyncIterator[bytes]) -> None:
        try:
            first = await anext(chunks, _END)
            await self._start(answer.status, self._headers(answer))
            await self._send_chunk(first)
            async for chunk in chunks:
                await self._send_chunk(chunk)
            await self._send({"type": "http.response.body", "body": _END})
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    async def _send_chunk(self, chunk: bytes) -> None:
        self.size += len(chunk)
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _start(self, status: int, headers: RawHeaders) -> None:
        self._begun = True
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    def _headers(self, answer: Answer) -> RawHeaders:
        headers: RawHeaders = [
            (b"content-type", answer.content_type.encode("latin-1")),
            (b"x-request-id", self.request_id.encode("latin-1")),
            (b"x-fleet-in-flight", b"%d" % self.in_flight),
            *answer.headers,
        ]
        if answer.timing is not None:
            headers.append((b"server-timing", answer.timing.header()))
        return headers
