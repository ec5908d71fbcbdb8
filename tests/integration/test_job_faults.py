"""Jobs through the deaths of everything that has to do with them; webhooks to a receiver here."""

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.jobs.webhook.signature import signature
from tests.integration.fleet import Fleet
from tests.integration.gateway.processes import until
from tests.redis_server import free_port

LATER = {"Prefer": "respond-async"}
EXAMPLE = {"model_name": "example", "inputs": [1, 2, 3, 4, 5]}
LINES = 8000
DONE_S = 90.0
SOAK_S = 120.0


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """One for all of these; each leaves it whole."""
    # A gateway that was killed is to come back where it was.
    environment = {
        "PORT": str(free_port()),
        "FLEETSERVE_JOBS__ALLOW_PRIVATE_WEBHOOKS": "true",
    }
    with Fleet(tmp_path_factory.mktemp("fleet"), environment).running() as fleet:
        yield fleet


@pytest.fixture
async def client(fleet: Fleet, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    async with fleet.client() as client:
        yield client


async def start_batch(client: httpx.AsyncClient, **query: str) -> str:
    answer = await client.post(
        "/jobs/batch",
        params={"model_name": "example", **query},
        content=b"".join(b"[%d,1,2]\n" % (number % 97) for number in range(LINES)),
        headers={"content-type": "application/x-ndjson"},
    )
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id


async def look(client: httpx.AsyncClient, job_id: str) -> dict[str, object]:
    """The job; a gateway that is being restarted is asked again."""
    while True:
        try:
            answer = await client.get(f"/jobs/{job_id}")
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code == 200:
            job: dict[str, object] = answer.json()
            return job
        await asyncio.sleep(0.1)


async def until_begun(client: httpx.AsyncClient, job_id: str) -> None:
    async def begun() -> bool:
        return 0 < float(str((await look(client, job_id))["progress"])) < 1

    await until(begun, DONE_S)


async def until_health_is(client: httpx.AsyncClient, status: str, *, without: str = "") -> None:
    """Returns once the fleet's health is so, and a service is away, if one is named.

    Raises: AssertionError: it does not become so, with what it was at last.
    """
    health: dict[str, Any] = {}

    async def so() -> bool:
        health.update((await client.get("/health")).json())
        is_away = not without or health["checks"][without]["healthy"] is False
        return health["status"] == status and is_away

    try:
        await until(so, DONE_S)
    except TimeoutError:
        raise AssertionError(f"the fleet is not {status}: {health}") from None


async def until_ended(client: httpx.AsyncClient, job_id: str) -> dict[str, object]:
    async def ended() -> bool:
        return (await look(client, job_id))["status"] not in ("queued", "running")

    await until(ended, DONE_S)
    return await look(client, job_id)


async def assert_whole(client: httpx.AsyncClient, job_id: str) -> None:
    """Every line is there once, in its place, with its own answer."""
    job = await until_ended(client, job_id)
    assert job["status"] == "succeeded", job
    told = [json.loads(line) for line in (await fetched(client, job_id)).splitlines()]
    assert [line["index"] for line in told] == list(range(LINES))
    assert len({line["result"] for line in told[:97]}) == 97
    assert all(line["result"] == told[n % 97]["result"] for n, line in enumerate(told))


async def fetched(client: httpx.AsyncClient, job_id: str) -> str:
    answer = await client.get(f"/jobs/{job_id}/result")
    assert answer.status_code == 200, answer.text
    return answer.text


def redis_pid(fleet: Fleet) -> int:
    found = [p for p in fleet.pids() if b"redis-server" in Path(f"/proc/{p}/cmdline").read_bytes()]
    assert len(found) == 1
    return found[0]


async def test_batch_outlives_its_worker(fleet: Fleet, client: httpx.AsyncClient) -> None:
    job_id = await start_batch(client)
    await until_begun(client, job_id)
    (worker,) = fleet.replica_pids("gateway.jobs")
    os.kill(worker, signal.SIGKILL)
    await assert_whole(client, job_id)
    assert fleet.replica_pids("gateway.jobs") != [worker]
    (folder,) = (fleet.home / "jobs").glob(f"{job_id}.*")
    assert [path.name for path in folder.iterdir()] == ["result.2"]


async def test_batch_outlives_the_gateway_and_goes_on_without_it(
    fleet: Fleet, client: httpx.AsyncClient
) -> None:
    job_id = await start_batch(client)
    await until_begun(client, job_id)
    (gateway,) = fleet.replica_pids("gateway")
    os.kill(gateway, signal.SIGKILL)
    await assert_whole(client, job_id)
    (folder,) = (fleet.home / "jobs").glob(f"{job_id}.*")
    assert [path.name for path in folder.iterdir()] == ["result.1"]


async def test_batch_outlives_redis(fleet: Fleet, client: httpx.AsyncClient) -> None:
    job_id = await start_batch(client)
    await until_begun(client, job_id)
    # What is written goes to the disk within a second.
    await asyncio.sleep(1.1)
    os.kill(redis_pid(fleet), signal.SIGKILL)
    await assert_whole(client, job_id)


async def test_while_redis_hangs_jobs_are_refused_and_predictions_go_on(
    fleet: Fleet, client: httpx.AsyncClient
) -> None:
    assert (await client.post("/predict", json=EXAMPLE)).status_code == 200
    pid = redis_pid(fleet)
    os.kill(pid, signal.SIGSTOP)
    try:
        refused = await client.post("/predict", json=EXAMPLE, headers=LATER)
        assert (refused.status_code, refused.json()["code"]) == (503, "jobs_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert (await client.post("/predict", json=EXAMPLE)).status_code == 200
    finally:
        os.kill(pid, signal.SIGCONT)
    async with asyncio.timeout(DONE_S):
        while True:
            answer = await client.post("/predict", json=EXAMPLE, headers=LATER)
            if answer.status_code == 202:
                break
            await asyncio.sleep(0.2)
    assert (await until_ended(client, answer.json()["job_id"]))["status"] == "succeeded"


async def test_without_its_worker_the_fleet_is_degraded(
    fleet: Fleet, client: httpx.AsyncClient
) -> None:
    (worker,) = fleet.replica_pids("gateway.jobs")
    os.kill(worker, signal.SIGSTOP)
    try:
        await until_health_is(client, "degraded", without="jobs-worker")
        assert (await client.post("/predict", json=EXAMPLE)).status_code == 200
        answer = await client.post("/predict", json=EXAMPLE, headers=LATER)
        assert answer.status_code == 202
        assert (await client.get("/stats")).json()["jobs"]["queued"] == 1
    finally:
        os.kill(worker, signal.SIGCONT)
    assert (await until_ended(client, answer.json()["job_id"]))["status"] == "succeeded"


@pytest.mark.soak
async def test_redis_that_comes_and_goes_leaves_nobody_deaf(
    fleet: Fleet, client: httpx.AsyncClient
) -> None:
    """A connection may end at any moment, and some of those are rare."""
    chance, end_s = random.Random(0), time.monotonic() + SOAK_S
    while time.monotonic() < end_s:
        pid = redis_pid(fleet)
        if chance.random() < 0.5:
            os.kill(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(chance.uniform(0.0, 4.0))
            os.kill(pid, signal.SIGCONT)
        await until_health_is(client, "ok")
        assert (await client.post("/predict", json=EXAMPLE)).status_code == 200
        answer = await client.post("/predict", json=EXAMPLE, headers=LATER)
        assert answer.status_code == 202, answer.text
        assert (await until_ended(client, answer.json()["job_id"]))["status"] == "succeeded"


class Receiver(BaseHTTPRequestHandler):
    """Refuses the first call, keeps all."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        calls: list[tuple[dict[str, str], bytes]] = self.server.calls  # type: ignore[attr-defined]
        calls.append((dict(self.headers), body))
        self.send_response(500 if len(calls) == 1 else 204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.calls = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_end_is_told_to_a_receiver_that_can_check_who_tells_it(
    client: httpx.AsyncClient, receiver: ThreadingHTTPServer
) -> None:
    url = f"http://localhost:{receiver.server_port}/hook"
    body = {**EXAMPLE, "webhook_url": url}
    answer = (await client.post("/predict", json=body, headers=LATER)).json()
    calls: list[tuple[dict[str, str], bytes]] = receiver.calls  # type: ignore[attr-defined]

    async def told_twice() -> bool:
        return len(calls) > 1

    await until(told_twice, DONE_S)
    headers, content = calls[-1]
    assert headers["webhook-id"] == answer["job_id"]
    at = int(headers["webhook-timestamp"])
    secret = answer["webhook_secret"]
    assert headers["webhook-signature"] == signature(secret, answer["job_id"], at, content)
    told = json.loads(content)
    assert (told["type"], told["data"]["job_id"]) == ("job.succeeded", answer["job_id"])
    assert told["data"] == {
        key: value
        for key, value in (await look(client, answer["job_id"])).items()
        if key != "result"
    }
