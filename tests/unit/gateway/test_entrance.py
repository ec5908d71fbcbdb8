from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from fleetserve.asgi import App, Receive, Scope, Send, send_response
from fleetserve.audit_log import AuditLog
from fleetserve.auth.source.memory import MemoryAuthSource
from fleetserve.clock import ManualClock
from gateway.entrance import Entrance, principal_name
from tests.unit.gateway.entrances import make_entrance
from tests.unit.gateway.fleet import Client

MakeApp = Callable[..., App]


class Door:
    """Answers with who came in."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        admitted = await self._entrance.admit(scope, send)
        if admitted is not None:
            await send_response(admitted, 200, [], principal_name(scope).encode())


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[MakeApp]:
    audits: list[AuditLog] = []

    def make(**options: object) -> App:
        entrance, audit = make_entrance(tmp_path, ManualClock(1000.0), **options)  # type: ignore[arg-type]
        audits.append(audit)
        return Door(entrance)

    yield make
    for audit in audits:
        audit.close()


async def test_everybody_comes_in_while_auth_is_off(make_app: MakeApp) -> None:
    client = await Client(make_app()).send("POST", "/models/download")
    assert (client.status, client.body) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/docs", 200),
        ("GET", "/dashboard", 200),
        ("GET", "/dashboard-data", 401),
        ("POST", "/auth/login", 200),
        ("GET", "/models", 401),
        ("POST", "/autoscaler/scale", 401),
        ("GET", "/logs", 401),
        ("GET", "/a/route/nobody/listed", 401),
    ],
)
async def test_without_a_credential_only_open_routes_answer(
    make_app: MakeApp, method: str, path: str, status: int
) -> None:
    client = await Client(make_app(enabled=True)).send(method, path)
    assert client.status == status
    if status == 401:
        assert client.headers["www-authenticate"] == "Bearer"
        assert orjson.loads(client.body)["code"] == "credential_missing"


async def test_data_route_without_a_header_is_left_to_the_bodys_token(make_app: MakeApp) -> None:
    assert (await Client(make_app(enabled=True)).send("POST", "/predict")).status == 200


async def test_wrong_credential_is_refused_on_a_data_route_too(make_app: MakeApp) -> None:
    app = make_app(enabled=True, source=MemoryAuthSource())
    client = await Client(app).send("POST", "/predict", headers={"x-api-key": "sk_" + "0" * 43})
    assert client.status == 401


async def test_preflight_of_an_allowed_origin_needs_no_credential(make_app: MakeApp) -> None:
    origin = "https://app.example.com"
    app = make_app(enabled=True, origins=(origin,))
    headers = {"origin": origin, "access-control-request-method": "POST"}
    client = await Client(app).send("OPTIONS", "/predict", headers=headers)
    assert client.status == 204
    assert client.headers["access-control-allow-origin"] == origin


async def test_answer_to_another_origin_grants_nothing(make_app: MakeApp) -> None:
    app = make_app(origins=("https://app.example.com",))
    client = await Client(app).send("GET", "/health", headers={"origin": "https://evil.example"})
    assert client.status == 200
    assert "access-control-allow-origin" not in client.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:9000", "http://localhost", ""]
)
@pytest.mark.parametrize("enabled", [False, True])
async def test_page_of_elsewhere_can_not_drive_the_fleet(
    make_app: MakeApp, method: str, origin: str, enabled: bool
) -> None:
    app = make_app(enabled=enabled)
    client = await Client(app).send(method, "/autoscaler/scale", headers={"origin": origin})
    assert client.status == 403
    assert orjson.loads(client.body)["code"] == "origin_not_allowed"


async def test_our_own_pages_and_allowed_ones_can(make_app: MakeApp) -> None:
    app = make_app(origins=("https://app.example.com",))
    for origin in ("http://localhost:8000", "https://LOCALHOST:8000", "https://app.example.com"):
        client = await Client(app).send("POST", "/autoscaler/scale", headers={"origin": origin})
        assert client.status == 200, origin
    anywhere = make_app(origins=("*",))
    headers = {"origin": "https://other.example"}
    assert (await Client(anywhere).send("POST", "/x", headers=headers)).status == 200
