"""The proxy in front of a real WebSocket server, and who is let in."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve

from fleetserve.asgi import Message, Receive, Scope, Send
from fleetserve.auth.api_keys import KeyRecord, digest, new_key
from fleetserve.auth.quota.base import Limit
from fleetserve.auth.source.memory import MemoryAuthSource
from fleetserve.clock import ManualClock
from fleetserve.model_records import ModelState
from fleetserve.runtime import ServiceRuntime
from fleetserve.tasks import AUDIO_SERVICE
from gateway.known_models import KnownModels
from gateway.replica_table import ReplicaTable
from gateway.socket_proxy import SocketProxy, _join, as_denial
from gateway.upstream.base import UpstreamFailedError
from gateway.upstream.sockets import open_socket
from gateway.waiting_room import WaitingRoom
from tests.unit.gateway.entrances import LOCAL, make_entrance
from tests.unit.gateway.fleet import announced, recorded


@pytest.fixture
async def url(anyio_backend: str) -> AsyncIterator[str]:
    """A server that says what it hears, and closes with 1008 at "bad"."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            if message == "bad":
                await connection.close(1008)
                return
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/audio/stream"


class Client:
    """The ASGI side of one WebSocket."""

    def __init__(self, *messages: Message) -> None:
        self._messages = asyncio.Queue[Message]()
        for message in messages:
            self._messages.put_nowait(message)
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        return await self._messages.get()

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if message.get("text") == "last":
            self._messages.put_nowait({"type": "websocket.disconnect", "code": 1000})


def heard(content: str | bytes) -> Message:
    key = "bytes" if isinstance(content, bytes) else "text"
    return {"type": "websocket.receive", key: content}


async def test_messages_go_both_ways_in_order_until_the_client_leaves(url: str) -> None:
    client = Client(heard(b"\0\1"), heard("a"), heard("last"))
    async with open_socket(url, []) as socket:
        await asyncio.wait_for(_join(socket, client.receive, client.send), 10)
    assert [one.get("bytes") or one.get("text") for one in client.sent] == [b"\0\1", "a", "last"]


async def test_close_code_of_the_replica_is_passed_on(url: str) -> None:
    client = Client(heard("bad"))
    async with open_socket(url, []) as socket:
        await asyncio.wait_for(_join(socket, client.receive, client.send), 10)
    assert client.sent == [{"type": "websocket.close", "code": 1008}]


async def test_replica_that_is_not_there_is_an_upstream_that_failed() -> None:
    with pytest.raises(UpstreamFailedError):
        async with open_socket("ws://127.0.0.1:1/audio/stream", []):
            pass


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost", "origin": "https://elsewhere.example"}, 403),
        ({"host": "elsewhere.example"}, 403),
        ({"host": "localhost"}, None),
        ({"host": "localhost:8000", "origin": "http://localhost:8000"}, None),
    ],
)
async def test_handshake_is_let_in_like_a_request_that_changes_something(
    tmp_path: Path, headers: dict[str, str], status: int | None
) -> None:
    entrance, audit = make_entrance(tmp_path, ManualClock(), hosts=LOCAL)
    client = Client()
    scope: dict[str, Any] = {
        "type": "websocket",
        "method": "GET",
        "path": "/audio/stream",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }
    admitted = await entrance.admit(scope, as_denial(client.send))
    audit.close()
    assert (admitted is None) is (status is not None)
    if status is not None:
        start = client.sent[0]
        assert (start["type"], start["status"]) == ("websocket.http.response.start", status)


async def test_router_lets_no_socket_past_the_entrance(tmp_path: Path) -> None:
    from gateway.data_routes import RouteTable
    from gateway.router import Router

    reached: list[str] = []

    async def sockets(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["path"])

    entrance, audit = make_entrance(tmp_path, ManualClock(), hosts=LOCAL)
    unused: Any = None
    router = Router(RouteTable([]), unused, unused, unused, entrance, sockets)
    for host in (b"elsewhere.example", b"localhost"):
        client = Client()
        scope: dict[str, Any] = {
            "type": "websocket",
            "path": "/any",
            "headers": [(b"host", host)],
            "client": ("127.0.0.1", 1),
        }
        await router(scope, client.receive, client.send)
    audit.close()
    assert reached == ["/any"]


@pytest.mark.parametrize(("scopes", "status"), [(None, 401), (("predict",), 403), (("audio",), 0)])
async def test_with_auth_on_a_socket_wants_a_credential_with_the_scope(
    tmp_path: Path, scopes: tuple[str, ...] | None, status: int
) -> None:
    source, key = MemoryAuthSource(), new_key()
    entrance, audit = make_entrance(
        tmp_path, ManualClock(), hosts=LOCAL, enabled=True, source=source
    )
    headers = [(b"host", b"localhost")]
    if scopes is not None:
        source.keys[digest(key)] = KeyRecord("k1", "ada", "u1", 1, scopes, 1e9)
        headers.append((b"x-api-key", key.encode()))
    client = Client()
    scope: dict[str, Any] = {
        "type": "websocket",
        "method": "GET",
        "path": "/audio/stream",
        "headers": headers,
        "client": ("127.0.0.1", 1),
    }
    admitted = await entrance.admit(scope, as_denial(client.send))
    audit.close()
    assert (admitted is None) is bool(status)
    assert [one["status"] for one in client.sent if "status" in one] == [status][: bool(status)]


async def test_quota_of_a_principal_counts_its_sockets(tmp_path: Path) -> None:
    source, key = MemoryAuthSource(), new_key()
    source.keys[digest(key)] = KeyRecord("k1", "ada", "u1", 1, ("audio",), 1e9)
    limits = {name: Limit(2, 60.0) for name in ("key", "address")}
    entrance, audit = make_entrance(
        tmp_path, ManualClock(), hosts=LOCAL, enabled=True, source=source, limits=limits
    )
    client = Client()
    for _ in range(20):
        scope: dict[str, Any] = {
            "type": "websocket",
            "method": "GET",
            "path": "/audio/stream",
            "headers": [(b"host", b"localhost"), (b"x-api-key", key.encode())],
            "client": ("127.0.0.1", 1),
        }
        admitted = await entrance.admit(scope, as_denial(client.send))
        if admitted is None:
            break
    audit.close()
    start = client.sent[0]
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 429)
    assert any(name == b"retry-after" for name, _value in start["headers"])


class Held:
    """A proxy whose one model is asked for by one client."""

    def __init__(
        self,
        url: str,
        table: ReplicaTable,
        models: KnownModels,
        room: WaitingRoom,
        clock: ManualClock,
        runtime: ServiceRuntime,
    ) -> None:
        self.table, self.models, self.room, self.clock = table, models, room, clock
        self.proxy = SocketProxy(table, models, room, runtime.signer, clock, open_socket)
        self.client = Client({"type": "websocket.connect"}, heard("last"))
        self._address = url.replace("ws://", "http://").removesuffix("/audio/stream")

    def record(self, state: ModelState) -> None:
        self.models.put(recorded("ear", state, task="automatic-speech-recognition"))

    def announce(self) -> None:
        told = announced("a1", service=AUDIO_SERVICE, models=())
        self.table.update(msgspec.structs.replace(told, address=self._address))

    async def begin(self) -> "asyncio.Task[None]":
        """The handshake, once it is held."""
        scope: dict[str, Any] = {
            "type": "websocket",
            "path": "/audio/stream",
            "query_string": b"model_name=ear",
            "headers": [],
        }
        task = asyncio.create_task(self.proxy(scope, self.client.receive, self.client.send))
        await self.clock.advance(0)
        return task

    @property
    def texts(self) -> list[str]:
        return [one["text"] for one in self.client.sent if one.get("text")]


@pytest.fixture
def held(
    url: str,
    table: ReplicaTable,
    models: KnownModels,
    room: WaitingRoom,
    clock: ManualClock,
    runtime: ServiceRuntime,
) -> Held:
    return Held(url, table, models, room, clock, runtime)


async def test_socket_is_held_until_there_is_a_replica(held: Held) -> None:
    held.record(ModelState.READY)
    task = await held.begin()
    assert held.room.demand == {"ear": 1}
    held.announce()
    await asyncio.wait_for(task, 10)
    assert held.texts == ["last"]
    assert held.room.demand == {}


async def test_socket_is_held_while_its_model_is_downloaded(held: Held) -> None:
    held.announce()
    held.record(ModelState.DOWNLOADING)
    task = await held.begin()
    assert held.client.sent == []
    held.record(ModelState.READY)
    held.table.notify()
    await asyncio.wait_for(task, 10)
    assert held.texts == ["last"]


async def test_download_that_fails_ends_the_wait(held: Held) -> None:
    held.announce()
    held.record(ModelState.DOWNLOADING)
    task = await held.begin()
    held.record(ModelState.FAILED)
    held.table.notify()
    await asyncio.wait_for(task, 10)
    assert held.client.sent[0]["status"] == 404


async def test_socket_is_held_no_longer_than_the_room_holds(held: Held) -> None:
    held.record(ModelState.READY)
    task = await held.begin()
    await held.clock.advance(held.room.hold_s + 1)
    await asyncio.wait_for(task, 10)
    assert held.client.sent[0]["status"] == 503
    assert held.room.held == 0
