"""The other side of an Upstream, real or in memory, that acts as a test says."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from gateway.upstream.base import BrokenAnswerError, RawHeaders, Upstream, UpstreamFailedError
from gateway.upstream.http11 import Http11Upstream
from gateway.upstream.memory import MemoryAnswer, MemoryUpstream, SentRequest
from tests.contract.gateway.scripted_server import ScriptedServer, ServerExchange


class End(Enum):
    """How an exchange ends."""

    WHOLE = auto()
    BREAKS = auto()  # In the middle of the body.
    RESETS = auto()  # Before an answer began.
    NEVER = auto()  # The request is taken and nothing comes back.


@dataclass(frozen=True)
class Play:
    """One answer; with a length or, where ``chunked``, without."""

    status: int = 200
    headers: RawHeaders = field(default_factory=list)
    pieces: tuple[bytes, ...] = (b"",)
    end: End = End.WHOLE
    chunked: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Peer(Protocol):
    """The other side of ``upstream``, at ``address``.

    Attributes:
        nowhere: An address that refuses connections.
        play: What it does with the next request.
        arrived: Set once a request is there.
        left: Set once our side has ended an exchange that had no end of its own.
    """

    upstream: Upstream
    nowhere: str
    play: Play
    seen: list[Seen]
    arrived: asyncio.Event
    left: asyncio.Event

    @property
    def address(self) -> str: ...


class MemoryPeer:
    nowhere = "http://nowhere"
    address = "http://peer"

    def __init__(self) -> None:
        self.upstream: Upstream = MemoryUpstream({self.address: self._behave})
        self.play = Play()
        self.seen: list[Seen] = []
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()

    async def _behave(self, request: SentRequest) -> MemoryAnswer:
        self.arrived.set()
        self.seen.append(Seen(request.method, request.target, request.headers, request.body))
        play = self.play
        if play.end is End.RESETS:
            raise UpstreamFailedError("reset", sent=True)
        if play.end is End.NEVER:
            try:
                await asyncio.Event().wait()
            finally:
                self.left.set()
        length = [] if play.chunked else [(b"content-length", b"%d" % len(play.body))]
        headers = [(name.lower(), value) for name, value in play.headers]
        return _Pieces(play, [*headers, *length])


class _Pieces(MemoryAnswer):
    """A memory answer that comes piece by piece."""

    def __init__(self, play: Play, headers: RawHeaders) -> None:
        super().__init__(play.status, headers, play.body, breaks=play.end is End.BREAKS)
        self._pieces = play.pieces

    async def chunks(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
        if self.breaks:
            raise BrokenAnswerError("broke off")


class ServerPeer:
    """A real server on loopback, or behind a Unix socket; a port without a listener is nowhere."""

    nowhere = "http://127.0.0.1:1"

    def __init__(self, *, unix_door: bool = False) -> None:
        self.upstream: Upstream = Http11Upstream()
        self.play = Play()
        self.seen: list[Seen] = []
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()
        self.server = ScriptedServer(self._answer, unix_door=unix_door)

    @property
    def address(self) -> str:
        return self.server.address

    async def _answer(self, exchange: ServerExchange) -> None:
        self.arrived.set()
        self.seen.append(
            Seen(exchange.method, exchange.target, dict(exchange.headers), exchange.body)
        )
        play = self.play
        if play.end is End.RESETS:
            exchange.reset()
            return
        if play.end is End.NEVER:
            await exchange.until_left()
            self.left.set()
            return
        await exchange.send(_head(play), *_framed(play))
        if play.end is End.BREAKS:
            exchange.writer.close()


def _head(play: Play) -> bytes:
    missing = 10 if play.end is End.BREAKS else 0
    length = b"content-length: %d" % (len(play.body) + missing)
    lines = [b"%s: %s" % (name, value) for name, value in play.headers]
    lines.append(b"transfer-encoding: chunked" if play.chunked else length)
    return b"HTTP/1.1 %d Status\r\n%s\r\n\r\n" % (play.status, b"\r\n".join(lines))


def _framed(play: Play) -> list[bytes]:
    if not play.chunked:
        return list(play.pieces)
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in play.pieces if piece]
    return [*chunks, b"0\r\n\r\n"] if play.end is End.WHOLE else chunks
