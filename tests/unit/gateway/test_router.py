from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from fleetserve.asgi import Receive, Scope, Send, send_response
from fleetserve.audit_log import AuditLog
from fleetserve.clock import ManualClock
from gateway.control_proxy import ControlProxy
from gateway.data_routes import DataRoute, RouteTable
from gateway.forwarder import Forwarder
from gateway.router import Router
from gateway.v2_fields import no_fields
from tests.unit.gateway.entrances import LOCAL, make_entrance
from tests.unit.gateway.fleet import Client

MakeRouter = Callable[..., Router]


class Plane:
    """Answers with its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_response(send, 200, [], self._name.encode())


class Data(Plane, Forwarder):
    pass


class Proxy(Plane, ControlProxy):
    def service_of(self, path: str, method: str = "GET") -> str | None:
        return "model-registry-svc" if path.startswith("/models") else None


@pytest.fixture
def make_router(tmp_path: Path) -> Iterator[Callable[..., Router]]:
    audits: list[AuditLog] = []

    def make(hosts: tuple[str, ...] = LOCAL) -> Router:
        entrance, audit = make_entrance(tmp_path, ManualClock(), hosts=hosts)
        audits.append(audit)
        routes = RouteTable(
            DataRoute(path, path, no_fields, None, 1.0)
            for path in ("/predict", "/v2/models/{model}/infer")
        )
        return Router(
            routes, Data("data"), Proxy("proxy"), Plane("control"), entrance, Plane("sockets")
        )

    yield make
    for audit in audits:
        audit.close()


@pytest.mark.parametrize(
    ("path", "plane"),
    [
        ("/predict", b"data"),
        ("/predict/", b"control"),
        ("/v2/models/example/infer", b"data"),
        ("/v2/models/example/versions/7/infer", b"data"),
        ("/v2/models/example/ready", b"control"),
        ("/models", b"proxy"),
        ("/models/download", b"proxy"),
        ("/health", b"control"),
        ("/", b"control"),
    ],
)
async def test_path_decides_the_plane(make_router: MakeRouter, path: str, plane: bytes) -> None:
    assert (await Client(make_router()).send("GET", path)).body == plane


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]", "[::1]:8000"],
)
async def test_local_host_is_taken(make_router: MakeRouter, host: str) -> None:
    router = make_router()
    for _ in range(2):
        assert (await Client(router).send("GET", "/", headers={"host": host})).status == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example"],
)
@pytest.mark.parametrize("path", ["/predict", "/models", "/health"])
async def test_other_host_is_refused_on_every_plane(
    make_router: MakeRouter, host: str, path: str
) -> None:
    client = await Client(make_router()).send("POST", path, headers={"host": host})
    error = orjson.loads(client.body)
    assert client.status == 403
    assert error["code"] == "host_not_allowed"
    assert error["request_id"]


async def test_star_takes_every_host(make_router: MakeRouter) -> None:
    client = await Client(make_router(("*",))).send("GET", "/", headers={"host": "any.example"})
    assert client.status == 200


async def test_what_is_not_http_goes_to_the_control_app(make_router: MakeRouter) -> None:
    client = Client(make_router())
    await make_router()({"type": "lifespan"}, client._receiver([]), client._take)
    assert client.body == b"control"


@pytest.mark.parametrize(
    ("body", "plane"),
    [(b'{"action":"load"}', b"proxy"), (b'{"action":"optimize"}', b"control")],
)
async def test_optimize_is_managed_by_its_own_plane(
    make_router: MakeRouter, body: bytes, plane: bytes
) -> None:
    assert (await Client(make_router()).send("POST", "/models/manage", body)).body == plane


async def test_too_much_to_manage_is_a_413(make_router: MakeRouter) -> None:
    client = await Client(make_router()).send("POST", "/models/manage", b"x" * 70_000)
    assert (client.status, orjson.loads(client.body)["code"]) == (413, "payload_too_large")
