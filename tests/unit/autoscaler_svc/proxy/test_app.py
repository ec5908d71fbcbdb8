from typing import Any

import httpx
import orjson
import pytest

from autoscaler_svc.proxy.app import MAX_BODY, MOST_MANAGED, EngineProxy
from autoscaler_svc.proxy.calls import API_VERSION
from autoscaler_svc.proxy.engine.memory import MemoryEngine
from autoscaler_svc.proxy.project import Project
from tests.unit.autoscaler_svc.proxy.containers import (
    CLONE_ID,
    OTHER_ID,
    OWN_ID,
    PROJECT,
    body,
    clone,
    container,
    other,
    own,
)

V = f"/v{API_VERSION}"
CREATE = f"{V}/containers/create?name={PROJECT}-inference-replica-1"
JSON = {"content-type": "application/json"}


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine(own(), clone(), other())


@pytest.fixture
def client(engine: MemoryEngine) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(EngineProxy(engine, Project(engine, PROJECT)))
    return httpx.AsyncClient(transport=transport, base_url="http://proxy")


def changing(engine: MemoryEngine) -> list[tuple[str, str]]:
    """Calls that reached the engine and are more than a look."""
    return [call for call in engine.calls if call[0] != "GET"]


async def test_ping_is_the_engines(client: httpx.AsyncClient) -> None:
    answer = await client.get("/_ping")
    assert (answer.status_code, answer.text) == (200, "OK")


async def test_list_shows_no_other_container(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{V}/containers/json?all=1&limit=-1&size=0&trunc_cmd=0")
    assert [entry["Id"] for entry in answer.json()] == [OWN_ID, CLONE_ID]


async def test_replica_is_inspected_and_another_is_not_there(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{V}/containers/{OWN_ID}/json")).json()["Id"] == OWN_ID
    answer = await client.get(f"{V}/containers/{OTHER_ID}/json")
    assert answer.status_code == 404
    assert "No such container" in answer.json()["message"]


async def test_honest_create_reaches_the_engine_made_anew(
    client: httpx.AsyncClient, engine: MemoryEngine
) -> None:
    wanted = body()
    answer = await client.post(CREATE, json={**wanted, "Env": wanted["Env"][::-1]})
    assert answer.status_code == 201, answer.text
    assert engine.created == [wanted]
    assert changing(engine) == [("POST", CREATE)]


async def test_hostile_create_reaches_nobody_and_is_told_why(
    client: httpx.AsyncClient, engine: MemoryEngine
) -> None:
    hostile = body()
    hostile["HostConfig"]["Privileged"] = True
    answer = await client.post(CREATE, json=hostile)
    assert answer.status_code == 403
    assert "Privileged" in answer.json()["message"]
    assert changing(engine) == []


async def test_key_that_stands_twice_is_read_once_and_passed_on_once(
    client: httpx.AsyncClient, engine: MemoryEngine
) -> None:
    honest = orjson.dumps(body()).decode()
    twice = honest[:-1] + ',"User":"0:0"}'
    assert (await client.post(CREATE, content=twice, headers=JSON)).status_code == 403
    first = '{"User":"0:0",' + honest[1:]
    assert (await client.post(CREATE, content=first, headers=JSON)).status_code == 201
    assert engine.created[0]["User"] == "10001"


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", JSON, 403),
        (b"[]", JSON, 403),
        (b"", JSON, 403),
        (b'{"Labels": NaN}', JSON, 403),
        (b"{}", {"content-type": "text/plain"}, 403),
        (b"{}", {}, 403),
        (b" " * (MAX_BODY + 1), JSON, 413),
    ],
)
async def test_body_that_is_no_json_object_is_refused(
    client: httpx.AsyncClient,
    engine: MemoryEngine,
    content: bytes,
    headers: dict[str, str],
    status: int,
) -> None:
    answer = await client.post(CREATE, content=content, headers=headers)
    assert answer.status_code == status
    assert changing(engine) == []


@pytest.mark.parametrize(
    "headers",
    [
        [("content-type", "application/json"), ("content-type", "text/plain")],
        [("content-type", "application/json"), ("transfer-encoding", "chunked")],
        [("content-type", "application/json"), ("upgrade", "tcp")],
        [("content-type", "application/json"), ("expect", "100-continue")],
        [("content-type", "application/json"), ("content-encoding", "gzip")],
        [("content-type", "application/json"), ("host", "a"), ("host", "b")],
    ],
)
async def test_headers_that_could_be_read_in_two_ways_are_refused(
    client: httpx.AsyncClient, engine: MemoryEngine, headers: list[tuple[str, str]]
) -> None:
    answer = await client.post(CREATE, content=orjson.dumps(body()), headers=headers)
    assert answer.status_code == 403
    assert changing(engine) == []


@pytest.mark.parametrize("verb", ["start", "stop?t=5", "kill?signal=SIGTERM"])
async def test_own_and_managed_replicas_are_started_and_stopped(
    client: httpx.AsyncClient, engine: MemoryEngine, verb: str
) -> None:
    for container_id in (OWN_ID, CLONE_ID):
        answer = await client.post(f"{V}/containers/{container_id}/{verb}")
        assert answer.status_code == 204
    assert changing(engine) == [
        ("POST", f"{V}/containers/{OWN_ID}/{verb}"),
        ("POST", f"{V}/containers/{CLONE_ID}/{verb}"),
    ]


@pytest.mark.parametrize("verb", ["start", "stop?t=5", "kill?signal=SIGKILL"])
async def test_somebody_elses_container_is_left_alone(
    client: httpx.AsyncClient, engine: MemoryEngine, verb: str
) -> None:
    answer = await client.post(f"{V}/containers/{OTHER_ID}/{verb}")
    assert answer.status_code == 404
    assert changing(engine) == []


async def test_only_managed_replicas_are_removed_and_never_their_volumes(
    client: httpx.AsyncClient, engine: MemoryEngine
) -> None:
    path = f"{V}/containers/{CLONE_ID}?v=False&link=False&force=True"
    assert (await client.delete(path)).status_code == 204
    assert changing(engine) == [("DELETE", f"{V}/containers/{CLONE_ID}?force=1")]
    for container_id, status in ((OWN_ID, 403), (OTHER_ID, 404)):
        answer = await client.delete(f"{V}/containers/{container_id}")
        assert answer.status_code == status
    assert len(changing(engine)) == 1


async def test_body_where_none_belongs_is_refused(
    client: httpx.AsyncClient, engine: MemoryEngine
) -> None:
    answer = await client.post(f"{V}/containers/{CLONE_ID}/start", content=b"{}")
    assert answer.status_code == 403
    assert changing(engine) == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"{V}/info"), ("POST", f"{V}/containers/{OWN_ID}/exec"), ("GET", "/")],
)
async def test_any_other_call_is_refused_in_the_engines_own_shape(
    client: httpx.AsyncClient, engine: MemoryEngine, method: str, path: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 403
    assert answer.json()["message"].startswith("refused: ")
    assert engine.calls == []


async def test_there_is_an_end_to_how_many_are_made(
    client: httpx.AsyncClient, engine: MemoryEngine
) -> None:
    labels: dict[str, Any] = body()["Labels"]
    for number in range(MOST_MANAGED):
        made = container(f"{number:064x}", labels)
        engine.containers[made["Id"]] = made
    answer = await client.post(CREATE, json=body())
    assert answer.status_code == 403
    assert "already" in answer.json()["message"]


async def test_engine_that_is_away_is_503(client: httpx.AsyncClient, engine: MemoryEngine) -> None:
    engine.away = True
    answer = await client.get(f"{V}/containers/json")
    assert (answer.status_code, answer.json()) == (503, {"message": "The engine is away."})


async def test_websocket_is_not_answered(engine: MemoryEngine) -> None:
    proxy = EngineProxy(engine, Project(engine, PROJECT))
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "websocket.connect"}

    async def send(message: object) -> None:
        sent.append(message)

    await proxy({"type": "websocket"}, receive, send)
    assert sent == []
