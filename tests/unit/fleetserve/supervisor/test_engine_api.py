from collections.abc import AsyncIterator

import httpx
import pytest

from fleetserve.clock import ManualClock
from fleetserve.supervisor.engine import Engine
from fleetserve.supervisor.engine_api import engine_app
from fleetserve.supervisor.environment import Wiring
from fleetserve.supervisor.home import FleetHome
from fleetserve.supervisor.launcher import Launcher
from fleetserve.supervisor.services import FLEET
from fleetserve.supervisor.settings import SupervisorSettings
from fleetserve.supervisor.spawner.memory import MemorySpawner
from tests.unit.fleetserve.supervisor.conftest import Diary


@pytest.fixture
async def client(
    settings: SupervisorSettings,
    home: FleetHome,
    spawner: MemorySpawner,
    clock: ManualClock,
    diary: Diary,
) -> AsyncIterator[httpx.AsyncClient]:
    engine = Engine(FLEET, spawner=spawner, clock=clock, observer=diary)
    wiring = Wiring("redis://127.0.0.1:1/0", "fleetserve", home.path / "engine.sock", 2)
    engine.use(Launcher(settings, home, wiring, clock))
    transport = httpx.ASGITransport(engine_app(engine))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as client:
        yield client
    for process in engine.list():
        await process.stop(0)


async def create(client: httpx.AsyncClient, **spec: object) -> dict[str, object]:
    response = await client.post("/processes", json={"service": "inference-svc", **spec})
    assert response.status_code == 201
    body: dict[str, object] = response.json()
    return body


async def test_created_process_can_be_inspected_and_listed(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    created = await create(client, labels={"zone": "a"})
    assert created["state"] == "created"
    await clock.advance(0)
    inspected = (await client.get(f"/processes/{created['id']}")).json()
    assert inspected["state"] == "starting"
    assert inspected["labels"]["zone"] == "a"
    assert (await client.get("/processes")).json() == {"processes": [inspected]}


async def test_list_filters_by_repeated_labels(client: httpx.AsyncClient) -> None:
    await create(client, replica_id="r1", labels={"zone": "a=b", "managed": ""})
    await create(client, replica_id="r2", labels={"zone": "c"})

    async def ids(query: str) -> list[str]:
        found = (await client.get(f"/processes?{query}")).json()["processes"]
        return [process["replica_id"] for process in found]

    assert await ids("label=zone") == ["r1", "r2"]
    assert await ids("label=zone%3Da%3Db") == ["r1"]
    assert await ids("label=zone&label=managed") == ["r1"]
    assert await ids("label=managed=") == ["r1"]


async def test_stop_answers_with_the_ended_process_and_repeats(
    client: httpx.AsyncClient, clock: ManualClock
) -> None:
    created = await create(client)
    await clock.advance(0)
    for _ in range(2):
        stopped = await client.post(f"/processes/{created['id']}/stop?grace_s=1.5")
        assert stopped.status_code == 200
        assert (stopped.json()["state"], stopped.json()["exit_code"]) == ("exited", 143)


async def test_remove_forgets_and_then_it_is_unknown(client: httpx.AsyncClient) -> None:
    created = await create(client)
    path = f"/processes/{created['id']}"
    assert (await client.delete(path)).status_code == 409
    assert (await client.delete(f"{path}?force=true")).status_code == 204
    assert (await client.delete(path)).status_code == 404


async def test_logs_are_the_last_lines(
    client: httpx.AsyncClient, spawner: MemorySpawner, clock: ManualClock
) -> None:
    created = await create(client)
    await clock.advance(0)
    spawner.children[0].say(b"one\ntwo\nthree\n")
    response = await client.get(f"/processes/{created['id']}/logs?tail=2")
    assert response.text == "two\nthree\n"
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "truncated"),
        (b"{}", "service"),
        (b'{"service":"inference-svc","command":["sh"]}', "command"),
        (b'{"service":"inference-svc","labels":{"a":1}}', "labels"),
        (b'{"service":"inference-svc","restart":"sometimes"}', "restart"),
        (b'{"service":"gateway"}', "gateway"),
    ],
)
async def test_wrong_spec_is_a_422_that_names_what_is_wrong(
    client: httpx.AsyncClient, body: bytes, said: str
) -> None:
    response = await client.post("/processes", content=body)
    assert response.status_code == 422
    answer = response.json()
    assert answer["success"] is False
    assert said in answer["detail"]


@pytest.mark.parametrize("grace", ["soon", "-1", "nan", "inf"])
async def test_odd_grace_is_refused(client: httpx.AsyncClient, grace: str) -> None:
    created = await create(client)
    response = await client.post(f"/processes/{created['id']}/stop?grace_s={grace}")
    assert response.status_code == 422
    assert response.json()["field"] == "grace_s"


async def test_unknown_process_is_a_404_in_the_fleet_s_shape(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/processes/nobody")).json()
    assert answer["code"] == "process_not_found"
    assert answer["request_id"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/containers", 404), ("PUT", "/processes", 405)]
)
async def test_unknown_route_has_the_fleet_s_shape(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await client.request(method, path)
    assert response.status_code == status
    assert response.json()["success"] is False
