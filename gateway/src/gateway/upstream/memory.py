"""Answers from functions, for tests: a script of what each address does."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from gateway.bodies import Body
from gateway.upstream.base import BrokenAnswerError, RawHeaders, UpstreamFailedError


@dataclass(slots=True)
class SentRequest:
    address: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class MemoryAnswer:
    """``breaks`` makes the body break off after its bytes."""

    status: int = 200
    headers: RawHeaders = field(default_factory=list)
    body: bytes = b""
    breaks: bool = False
    closed: bool = False

    async def read(self) -> bytes:
        if self.breaks:
            raise BrokenAnswerError("broke off")
        return self.body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body
        if self.breaks:
            raise BrokenAnswerError("broke off")

    def close(self) -> None:
        self.closed = True


Behaviour = Callable[[SentRequest], Awaitable[MemoryAnswer]]


class MemoryUpstream:
    """Each address answers by its behaviour; an unknown one refuses the connection."""

    def __init__(self, behaviours: dict[str, Behaviour] | None = None) -> None:
        self.behaviours = behaviours or {}
        self.sent: list[SentRequest] = []

    async def send(
        self,
        address: str,
        method: str,
        target: str,
        headers: list[tuple[str, str]],
        body: Body | None,
    ) -> MemoryAnswer:
        content = bytes(body.view()) if body is not None else b""
        request = SentRequest(address, method, target, dict(headers), content)
        self.sent.append(request)
        behaviour = self.behaviours.get(address)
        if behaviour is None:
            raise UpstreamFailedError("refused", sent=False)
        return await behaviour(request)

    async def close(self) -> None:
        self.behaviours = {}
