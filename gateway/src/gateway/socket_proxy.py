"""WebSockets: let in like requests, then passed on to one replica, message by message."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from urllib.parse import parse_qs

import structlog

from fleetserve.asgi import Message, Receive, Scope, Send, send_error
from fleetserve.clock import Clock
from fleetserve.errors import (
    FleetError,
    InvalidFieldError,
    ModelNotFoundError,
    NotFoundError,
    UnavailableError,
)
from fleetserve.model_records import ModelState
from fleetserve.request_ids import request_id_of
from fleetserve.tasks import AUDIO_SERVICE
from fleetserve.tokens import TOKEN_HEADER, TokenSigner
from gateway.choice import choose
from gateway.dispatcher import RETRY_PAUSE_S
from gateway.known_models import KnownModels
from gateway.replica_table import Replica, ReplicaTable
from gateway.upstream.base import UpstreamFailedError
from gateway.waiting_room import WaitingRoom

log = structlog.get_logger(__name__)

PATH = "/audio/stream"
MAX_OPEN = 256
GONE = 1012  # RFC 6455's registry: the service restarts; come again.


class Socket(Protocol):
    """An open WebSocket to a replica; sending rests while the other side does not read."""

    async def send(self, message: str | bytes) -> None:
        """Nothing happens where it is closed."""
        ...

    def messages(self) -> AsyncIterator[str | bytes]:
        """Until it is closed; then ``close_code`` is known."""
        ...

    @property
    def close_code(self) -> int: ...


OpenSocket = Callable[[str, list[tuple[str, str]]], AbstractAsyncContextManager[Socket]]
"""From a URL and headers. Raises (on enter): UpstreamFailedError."""


class SocketProxy:
    """Event loop only."""

    def __init__(
        self,
        table: ReplicaTable,
        models: KnownModels,
        room: WaitingRoom,
        signer: TokenSigner,
        clock: Clock,
        open_socket: OpenSocket,
    ) -> None:
        self._table = table
        self._models = models
        self._room = room
        self._signer = signer
        self._clock = clock
        self._open_socket = open_socket
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One that can't be served is answered with an error before it is open.

        One whose model is on its way, or that no replica can take now, is held like a request.
        """
        try:
            model = self._model(scope)
            if self._open >= MAX_OPEN:
                raise UnavailableError("As many WebSockets are open as may be.")
            self._open += 1
            try:
                await self._serve(scope, receive, send, model)
            finally:
                self._open -= 1
        except FleetError as exc:
            await refuse(scope, send, exc)

    def _model(self, scope: Scope) -> str:
        """Raises: NotFoundError, ModelNotFoundError, InvalidFieldError: nothing serves it."""
        if scope["path"] != PATH:
            raise NotFoundError(f"There is no WebSocket at {scope['path']}; there is {PATH}.")
        query = parse_qs(scope["query_string"].decode("latin-1"))
        name = next((query[key][-1] for key in ("model_name", "model") if key in query), "")
        if not name:
            raise InvalidFieldError("model_name", "is missing; it stands in the query")
        target = self._models.find(name)
        if target.service != AUDIO_SERVICE:
            raise InvalidFieldError("model_name", f"{name} does not listen")
        return target.record.name

    async def _serve(self, scope: Scope, receive: Receive, send: Send, model: str) -> None:
        """Raises: UnavailableError: no replica takes it in time; ModelNotFoundError: it is gone."""
        tried: set[str] = set()
        until_s = self._clock.monotonic_s() + self._room.hold_s
        while True:
            replica = self._choose(model, tried)
            if replica is None:
                await self._hold(model, until_s, pause_s=RETRY_PAUSE_S if tried else math.inf)
                tried.clear()
                continue
            tried.add(replica.id)
            replica.own += 1
            try:
                async with self._open_socket(*self._address(scope, replica)) as socket:
                    await receive()  # websocket.connect
                    await send({"type": "websocket.accept"})
                    await _join(socket, receive, send)
                    return
            except UpstreamFailedError as exc:
                log.info("socket.failed", upstream=replica.id, reason=str(exc))
            finally:
                replica.own -= 1

    def _choose(self, model: str, tried: set[str]) -> Replica | None:
        """None: none is left, or the model's files are not here yet.

        Raises: ModelNotFoundError: it is gone, or its download failed.
        """
        record = self._models.find(model).record
        if record.state is ModelState.FAILED:
            raise ModelNotFoundError(model, f"Its download failed: {record.message}")
        if record.state is ModelState.DOWNLOADING:
            return None
        ready = self._table.ready(AUDIO_SERVICE)
        return choose(ready, model, tried=tried, now_s=self._clock.monotonic_s())

    async def _hold(self, model: str, until_s: float, pause_s: float) -> None:
        """Waits until the fleet has changed; counted with the requests that wait for the model."""
        now_s = self._clock.monotonic_s()
        if now_s >= until_s:
            raise UnavailableError(f"No replica takes {model} now.", retry_after_s=10)
        with self._room.place(model, 0, "no replica has it yet"):
            await self._room.next_change(min(until_s, now_s + pause_s))

    def _address(self, scope: Scope, replica: Replica) -> tuple[str, list[tuple[str, str]]]:
        query = scope["query_string"].decode("latin-1")
        headers = [
            (TOKEN_HEADER, self._signer.token_for(AUDIO_SERVICE)),
            ("x-request-id", request_id_of(scope)),
        ]
        return f"ws://{replica.address.removeprefix('http://')}{PATH}?{query}", headers


async def refuse(scope: Scope, send: Send, exc: FleetError) -> None:
    """The answer to one that is not let in: HTTP's, which the handshake still is."""
    await send_error(as_denial(send), exc, request_id_of(scope), scope["path"])


def as_denial(send: Send) -> Send:
    """HTTP's answer in ASGI's words for a handshake that is refused."""

    async def denying(message: Message) -> None:
        await send({**message, "type": message["type"].replace("http.", "websocket.http.", 1)})

    return denying


async def _join(socket: Socket, receive: Receive, send: Send) -> None:
    """Both ways until one side leaves; one message is under way in each direction."""
    up = asyncio.create_task(_upwards(socket, receive))
    down = asyncio.create_task(_downwards(socket, send))
    try:
        await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
        if down.done() and not up.done():
            code = socket.close_code
            await send({"type": "websocket.close", "code": code if code != 1006 else GONE})
    finally:
        for task in (up, down):
            task.cancel()
        await asyncio.gather(up, down, return_exceptions=True)


async def _upwards(socket: Socket, receive: Receive) -> None:
    while (message := await receive())["type"] != "websocket.disconnect":
        content = message.get("bytes")
        await socket.send(content if content is not None else message["text"])


async def _downwards(socket: Socket, send: Send) -> None:
    async for content in socket.messages():
        key = "bytes" if isinstance(content, bytes) else "text"
        await send({"type": "websocket.send", key: content})
