"""What the gateway's unit tests are made of: a fleet in memory and a clock that the test moves."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from fleetserve.announcements import Announcement, InstanceState, ModelInstance, ReplicaState
from fleetserve.asgi import Message, Scope
from fleetserve.clock import ManualClock
from fleetserve.model_records import ModelRecord, ModelState
from fleetserve.runtime import ServiceRuntime
from fleetserve.tasks import INFERENCE_SERVICE
from gateway.bodies import Body
from gateway.catalogue import Offer
from gateway.dispatcher import Dispatcher
from gateway.exchange import Exchange
from gateway.first_use import FirstUse
from gateway.known_models import KnownModels
from gateway.replica_table import ReplicaTable
from gateway.service_calls import ServiceCalls
from gateway.upstream.base import RawHeaders, UpstreamFailedError
from gateway.upstream.memory import Behaviour, MemoryAnswer, MemoryUpstream, SentRequest
from gateway.waiting_room import WaitingRoom

# What the catalogue of these gateways has.
OFFERED = "speecht5_tts"
OFFER = Offer(OFFERED, "huggingface", "microsoft/speecht5_tts", "text-to-speech")


def announced(
    replica_id: str = "i1",
    *,
    service: str = INFERENCE_SERVICE,
    state: ReplicaState = ReplicaState.READY,
    models: Iterable[str] = ("example",),
    loading: Iterable[str] = (),
    boot_id: str = "b1",
    in_flight: int = 0,
    queued: int = 0,
    room_bytes: int = -1,
) -> Announcement:
    """What a replica says; its address is http://<replica_id>."""
    instances = [ModelInstance(name, "r", InstanceState.READY, 1024) for name in models]
    instances += [ModelInstance(name, "r", InstanceState.LOADING) for name in loading]
    return Announcement(
        service,
        replica_id,
        f"http://{replica_id}",
        boot_id,
        state,
        tuple(instances),
        in_flight=in_flight,
        capacity=512,
        queued=queued,
        device="cpu",
        room_bytes=room_bytes,
    )


def recorded(
    name: str,
    state: ModelState = ModelState.READY,
    *,
    task: str = "feature-extraction",
    progress: float = 0.0,
    message: str = "",
    size_bytes: int = 0,
    download_id: str = "",
    two_stage_voice: bool = False,
) -> ModelRecord:
    return ModelRecord(
        name,
        task,
        state,
        progress=progress,
        message=message,
        size_bytes=size_bytes,
        download_id=download_id,
        two_stage_voice=two_stage_voice,
    )


def answering(
    content: bytes = b"{}", *, status: int = 200, headers: RawHeaders | None = None
) -> Behaviour:
    """A replica that answers at once with a whole body."""

    async def behave(request: SentRequest) -> MemoryAnswer:
        length = (b"content-length", b"%d" % len(content))
        kind = (b"content-type", b"application/json")
        return MemoryAnswer(status, [length, kind, *(headers or [])], content)

    return behave


def streaming(content: bytes, kind: bytes, *, breaks: bool = False) -> Behaviour:
    """A replica that sends a body without a length."""

    async def behave(request: SentRequest) -> MemoryAnswer:
        return MemoryAnswer(200, [(b"content-type", kind)], content, breaks)

    return behave


def shedding() -> Behaviour:
    """A replica that is full."""
    return answering(
        b'{"code":"overloaded"}',
        status=503,
        headers=[(b"x-fleet-shed", b"1"), (b"retry-after", b"3")],
    )


def failing(*, sent: bool) -> Behaviour:
    """A replica that refuses the connection, or resets it once it has the request."""

    async def behave(request: SentRequest) -> MemoryAnswer:
        raise UpstreamFailedError("reset" if sent else "refused", sent=sent)

    return behave


def breaking_off() -> Behaviour:
    """A replica that dies in the middle of a small answer."""

    async def behave(request: SentRequest) -> MemoryAnswer:
        return MemoryAnswer(200, [(b"content-length", b"100")], b"{", breaks=True)

    return behave


class Gate:
    """A replica that answers when the test says so."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.arrived = asyncio.Event()
        self.cancelled = False

    async def __call__(self, request: SentRequest) -> MemoryAnswer:
        self.arrived.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return MemoryAnswer(200, [(b"content-length", b"2")], b"{}")


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Behaves as the first at the first request, and so on; the last stays."""
    left = list(behaviours)

    async def behave(request: SentRequest) -> MemoryAnswer:
        behaviour = left.pop(0) if len(left) > 1 else left[0]
        return await behaviour(request)

    return behave


@dataclass
class Fleet:
    """A gateway's inner parts over a memory upstream."""

    clock: ManualClock
    runtime: ServiceRuntime
    table: ReplicaTable
    models: KnownModels
    room: WaitingRoom
    upstream: MemoryUpstream
    calls: ServiceCalls
    dispatcher: Dispatcher
    first_use: FirstUse

    def add(self, behaviour: Behaviour, announcement: Announcement | None = None) -> None:
        """Announces a replica that behaves so."""
        announcement = announcement or announced()
        self.upstream.behaviours[announcement.address] = behaviour
        self.table.update(announcement)

    def exchange(
        self,
        model: str | None = "example",
        *,
        body: bytes = b"{}",
        timeout_s: float = 30.0,
        repeatable: bool = True,
    ) -> Exchange:
        target = self.models.find(model) if model is not None else None
        return Exchange(
            "POST",
            "/predict",
            target.service if target is not None else "model-registry-svc",
            target,
            Body(body, None, len(body)),
            [("x-request-id", "r-1")],
            self.clock.monotonic_s() + timeout_s,
            repeatable,
        )

    async def go_on(self, seconds: float) -> None:
        """Time passes, and everybody who is there says so each second."""
        end_s = self.clock.monotonic_s() + seconds
        while (left_s := end_s - self.clock.monotonic_s()) > 0:
            for replica in self.table.all():
                self.table.update(replica.announced)
            await self.clock.advance(min(1.0, left_s))

    async def ask(self, exchange: Exchange) -> tuple[int, bytes]:
        """Status and whole body of the reply."""
        async with self.dispatcher.reply_to(exchange) as reply:
            content = reply.content
            return reply.status, await reply.answer.read() if content is None else content

    def sent_to(self) -> list[str]:
        """Replica ids in the order they were asked."""
        return [request.address.removeprefix("http://") for request in self.upstream.sent]

    def own(self) -> int:
        """Requests counted as being at a replica."""
        return sum(replica.own for replica in self.table.all())


@dataclass
class Client:
    """The caller's side of an ASGI app: sends one request, keeps what comes back.

    ``receive`` gives the body instead of ``send``'s own pieces.
    """

    app: Callable[..., Awaitable[None]]
    messages: list[Message] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    receive: Callable[[], Awaitable[Message]] | None = None

    async def send(
        self,
        method: str,
        path: str,
        body: bytes | list[bytes] = b"",
        headers: dict[str, str] | None = None,
        query: str = "",
    ) -> "Client":
        """A request whose body comes in these pieces; returns itself once it is answered."""
        pieces = [body] if isinstance(body, bytes) else body
        given = {"host": "localhost:8000", **(headers or {})}
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in given.items()],
        }
        await self.app(scope, self.receive or self._receiver(pieces), self._take)
        return self

    def _receiver(self, pieces: list[bytes]) -> Callable[[], Awaitable[Message]]:
        left = list(pieces)

        async def receive() -> Message:
            if left:
                piece = left.pop(0)
                return {"type": "http.request", "body": piece, "more_body": bool(left)}
            await self.left.wait()
            return {"type": "http.disconnect"}

        return receive

    async def _take(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        status: int = self.messages[0]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        return {k.decode(): v.decode() for k, v in self.messages[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def is_complete(self) -> bool:
        return bool(self.messages) and not self.messages[-1].get("more_body", False)
