from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from fastapi import APIRouter, Request

from fleetserve.app import create_app, wrap_control
from fleetserve.asgi import App, Message, Receive, Scope, Send
from fleetserve.control_plane import ControlPlane
from fleetserve.runtime import ServiceRuntime
from fleetserve.tokens import TokenSigner

router = APIRouter()


@router.get("/things/{name}")
async def get_thing(name: str, request: Request) -> dict[str, str]:
    return {"name": name, "caller": request.scope.get("fleet.caller", "")}


@router.get("/broken")
async def get_broken() -> None:
    raise RuntimeError("s3cret")


class Lines:
    """The request lines written so far."""

    def __init__(self, runtime: ServiceRuntime) -> None:
        self._runtime = runtime

    def read(self) -> list[dict[str, Any]]:
        self._runtime.sink.flush()
        path = self._runtime.settings.logs_dir / "g1.jsonl"
        lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
        return [line for line in lines if line["event"] == "request.completed"]


@pytest.fixture
def app(runtime: ServiceRuntime) -> App:
    return wrap_control(create_app(runtime, title="t", routers=[router]), require_token=False)


@pytest.fixture
def lines(runtime: ServiceRuntime) -> Lines:
    return Lines(runtime)


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        yield client


@pytest.fixture
async def closed_client(runtime: ServiceRuntime) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the same app that wants the fleet's own token."""
    closed = wrap_control(create_app(runtime, title="t", routers=[router]))
    transport = httpx.ASGITransport(closed, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
        yield client


async def test_sane_request_id_comes_back_and_stands_in_the_log(
    client: httpx.AsyncClient, lines: Lines
) -> None:
    answer = await client.get("/things/a", headers={"x-request-id": "mine-1"})
    assert answer.headers.get_list("x-request-id") == ["mine-1"]
    assert [line["request_id"] for line in lines.read()] == ["mine-1"]


async def test_other_request_id_is_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.get("/things/a", headers={"x-request-id": "a b"})
    assert answer.headers["x-request-id"] not in ("a b", "")


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/broken", 500)])
async def test_error_has_the_same_request_id_in_header_body_and_log(
    client: httpx.AsyncClient, lines: Lines, path: str, status: int
) -> None:
    answer = await client.get(path, headers={"x-request-id": "mine-1"})
    assert answer.status_code == status
    assert answer.headers.get_list("x-request-id") == ["mine-1"]
    assert answer.json()["request_id"] == "mine-1"
    assert [(line["request_id"], line["status"]) for line in lines.read()] == [("mine-1", status)]


async def test_time_is_told_in_seconds(client: httpx.AsyncClient) -> None:
    answer = await client.get("/things/a")
    assert 0 < float(answer.headers["x-process-time"]) < 5


async def test_route_in_log_and_metrics_is_a_template(
    client: httpx.AsyncClient, lines: Lines, runtime: ServiceRuntime
) -> None:
    for name in ("a", "b"):
        await client.get(f"/things/{name}")
    await client.get("/no/such/place")
    assert [line["route"] for line in lines.read()] == ["/things/{name}"] * 2 + ["unmatched"]
    labels = {"route": "/things/{name}", "status": "200"}
    assert runtime.registry.get_sample_value("fleetserve_requests_total", labels) == 2


async def test_line_has_method_status_and_size(client: httpx.AsyncClient, lines: Lines) -> None:
    answer = await client.get("/things/a")
    (line,) = lines.read()
    assert (line["method"], line["status"]) == ("GET", 200)
    assert line["bytes_out"] == len(answer.content)


async def test_healthy_probes_are_not_logged(client: httpx.AsyncClient, lines: Lines) -> None:
    await client.get("/health/live")
    assert lines.read() == []


async def test_failing_probe_is_logged(
    client: httpx.AsyncClient, lines: Lines, runtime: ServiceRuntime
) -> None:
    runtime.readiness.append(lambda: "loading")
    await client.get("/health/ready")
    assert [line["status"] for line in lines.read()] == [503]


async def test_nothing_is_in_flight_afterwards(
    client: httpx.AsyncClient, runtime: ServiceRuntime
) -> None:
    for path in ("/things/a", "/broken", "/nowhere"):
        await client.get(path)
    assert runtime.metrics.in_flight == 0


async def test_call_without_the_fleets_token_is_refused(
    closed_client: httpx.AsyncClient, lines: Lines
) -> None:
    answer = await closed_client.get("/things/a")
    assert answer.status_code == 401
    assert answer.json()["code"] == "service_token_required"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert [line["status"] for line in lines.read()] == [401]


@pytest.mark.parametrize("token", [b"x", b"\xff\xfe", b"gateway.99999999999.\xc3\xa4"])
async def test_any_bytes_as_token_are_a_401(closed_client: httpx.AsyncClient, token: bytes) -> None:
    answer = await closed_client.get("/things/a", headers={b"x-fleet-token": token})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
async def test_health_is_open(closed_client: httpx.AsyncClient, path: str) -> None:
    assert (await closed_client.get(path)).status_code == 200


async def test_metrics_are_for_the_fleet_only(closed_client: httpx.AsyncClient) -> None:
    assert (await closed_client.get("/metrics")).status_code == 401


async def test_caller_with_a_token_is_known_to_the_handler_and_the_log(
    closed_client: httpx.AsyncClient, runtime: ServiceRuntime, lines: Lines
) -> None:
    # Nobody calls the gateway, so the test allows it one caller by the runtime's own verifier.
    verifier, signer = runtime.verifier, runtime.signer
    assert isinstance(signer, TokenSigner)
    token = signer.token_for("gpu-svc")
    runtime.verifier = type(verifier)(runtime.settings.secrets_dir, "gpu-svc", runtime.clock)
    answer = await closed_client.get("/things/a", headers={"x-fleet-token": token})
    assert answer.json()["caller"] == "gateway"
    assert lines.read()[0]["principal"] == "gateway"


async def test_websocket_without_the_token_is_closed_before_it_is_open(
    runtime: ServiceRuntime,
) -> None:
    reached: list[str] = []
    sent: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(scope["path"])

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    plane = ControlPlane(inner, runtime, require_token=True)
    await plane({"type": "websocket", "path": "/audio/stream", "headers": []}, receive, send)
    assert (reached, sent) == ([], ["websocket.close"])
