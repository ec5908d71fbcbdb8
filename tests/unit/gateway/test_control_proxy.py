import asyncio
from pathlib import Path

import orjson
import pytest

from fleetserve.request_watch import RequestWatch
from gateway.bodies import BodyStore
from gateway.carrier import Carrier
from gateway.control_proxy import HOLD_S, ControlProxy
from tests.unit.gateway.fleet import Client, Fleet, announced, answering, failing, in_turn

REGISTRY = "model-registry-svc"


@pytest.fixture
def proxy(fleet: Fleet, tmp_path: Path) -> ControlProxy:
    bodies = BodyStore(tmp_path, max_body=10_000, spool_above=5_000, max_total=20_000)
    carrier = Carrier(fleet.runtime, bodies, fleet.dispatcher, RequestWatch(fleet.clock))
    return ControlProxy(
        {"/models": REGISTRY, "/tts": "audio-svc"}, carrier, {"/tts/voices": REGISTRY}
    )


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/models", REGISTRY),
        ("/models/", REGISTRY),
        ("/models/download/x", REGISTRY),
        ("/tts/health", "audio-svc"),
        ("/modelsx", None),
        ("/", None),
        ("/health", None),
    ],
)
def test_prefix_decides_the_service(proxy: ControlProxy, path: str, service: str | None) -> None:
    assert proxy.service_of(path) == service


@pytest.mark.parametrize(
    ("method", "path", "service"),
    [
        ("GET", "/tts/voices", "audio-svc"),
        ("HEAD", "/tts/voices", "audio-svc"),
        ("POST", "/tts/voices", REGISTRY),
        ("DELETE", "/tts/voices/anna", REGISTRY),
        ("POST", "/tts/health", "audio-svc"),
    ],
)
def test_what_is_written_may_belong_to_another_service(
    proxy: ControlProxy, method: str, path: str, service: str
) -> None:
    assert proxy.service_of(path, method) == service


async def test_request_goes_to_the_service_unchanged(proxy: ControlProxy, fleet: Fleet) -> None:
    fleet.add(answering(b'{"success":true}', status=202), announced("r1", service=REGISTRY))
    headers = {"content-type": "application/json", "x-request-id": "r-1", "cookie": "a=b"}
    client = await Client(proxy).send(
        "POST", "/models/download", b'{"name":"m"}', headers, "a=b%20"
    )
    assert (client.status, client.body) == (202, b'{"success":true}')
    (sent,) = fleet.upstream.sent
    assert (sent.method, sent.target, sent.body) == (
        "POST",
        "/models/download?a=b%20",
        b'{"name":"m"}',
    )
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["x-request-id"] == "r-1"
    assert "cookie" not in sent.headers


async def test_service_sees_the_address_that_the_caller_used(
    proxy: ControlProxy, fleet: Fleet
) -> None:
    fleet.add(answering(), announced("r1", service=REGISTRY))
    await Client(proxy).send("GET", "/models", headers={"host": "localhost:8000"})
    assert fleet.upstream.sent[0].headers["host"] == "localhost:8000"


async def test_path_goes_on_as_it_was_encoded(proxy: ControlProxy, fleet: Fleet) -> None:
    fleet.add(answering(), announced("r1", service=REGISTRY))
    scope = {"type": "http", "method": "GET", "path": "/models/a b", "query_string": b""}
    client = Client(proxy)
    scope |= {"raw_path": b"/models/a%20b", "headers": []}
    await proxy(scope, client._receiver([b""]), client._take)
    assert fleet.upstream.sent[0].target == "/models/a%20b"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_request_that_may_be_repeated_is(
    proxy: ControlProxy, fleet: Fleet, method: str
) -> None:
    broken_once = in_turn(failing(sent=True), answering())
    fleet.add(broken_once, announced("r1", service=REGISTRY))
    sending = asyncio.ensure_future(Client(proxy).send(method, "/models"))
    await fleet.clock.advance(0.5)
    assert (await sending).status == 200


async def test_post_that_may_have_been_carried_out_is_not_repeated(
    proxy: ControlProxy, fleet: Fleet
) -> None:
    fleet.add(failing(sent=True), announced("r1", service=REGISTRY))
    client = await Client(proxy).send("POST", "/models/download", b"{}")
    assert client.status == 503
    assert orjson.loads(client.body)["code"] == "upstream_lost"
    assert len(fleet.upstream.sent) == 1


async def test_service_that_is_not_there_is_a_503_within_seconds(
    proxy: ControlProxy, fleet: Fleet
) -> None:
    sending = asyncio.ensure_future(Client(proxy).send("GET", "/models"))
    await fleet.clock.advance(HOLD_S)
    client = await sending
    assert client.status == 503
    assert "retry-after" in client.headers
    assert REGISTRY in orjson.loads(client.body)["detail"]


async def test_service_that_was_being_restarted_answers(proxy: ControlProxy, fleet: Fleet) -> None:
    sending = asyncio.ensure_future(Client(proxy).send("GET", "/models"))
    await fleet.clock.advance(HOLD_S / 2)
    fleet.add(answering(b"list"), announced("r1", service=REGISTRY))
    assert (await sending).body == b"list"


async def test_raw_paths_make_no_series_in_the_metrics(proxy: ControlProxy, fleet: Fleet) -> None:
    fleet.add(answering(), announced("r1", service=REGISTRY))
    for number in range(3):
        await Client(proxy).send("GET", f"/models/{number}")
    assert set(fleet.runtime.metrics._latency) == {f"proxy:{REGISTRY}"}
