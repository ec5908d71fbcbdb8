from pathlib import Path

import httpx
import msgspec
import orjson
import pytest
from fastapi import FastAPI

from fleetserve.asgi import Receive, Scope, Send
from fleetserve.auth.principals import Principal, PrincipalKind
from fleetserve.auth.scopes import Scope as Allowed
from fleetserve.jobs.ledger.base import Job, JobState
from fleetserve.jobs.ledger.memory import MemoryLedger
from gateway.api import jobs as jobs_module
from gateway.api.job_answers import JobAccepted, JobAnswer, JobsAnswer
from gateway.bodies import BodyStore
from gateway.entrance import PRINCIPAL
from gateway.jobs.batches import BatchDoor
from gateway.jobs.work import Outcome, read_work
from tests.unit.gateway.fleet import Fleet
from tests.unit.gateway.jobs.conftest import Office, office

__all__ = ["office"]


@pytest.fixture
def ledger(office: Office) -> MemoryLedger:
    return office.ledger


@pytest.fixture(autouse=True)
def parts(app: FastAPI, office: Office, fleet: Fleet, tmp_path: Path) -> None:
    bodies = BodyStore(tmp_path / "spool", max_body=1000, spool_above=500, max_total=2000)
    app.state.jobs = office.desk
    app.state.batches = BatchDoor(office.intake, bodies, fleet.models)


def succeed(office: Office, content: bytes, kind: str = "application/json") -> Job:
    leased = office.claim()
    path = office.files.new_result(read_work(leased.job).folder, leased.lease.fence)
    path.write_bytes(content)
    outcome = Outcome(200, path.name, kind, len(content))
    office.ledger.settle(leased.lease, JobState.SUCCEEDED, msgspec.json.encode(outcome))
    return office.ledger.read(leased.job.id)


def signed_in(app: FastAPI, name: str, *scopes: Allowed) -> httpx.AsyncClient:
    principal = Principal(name, PrincipalKind.USER, frozenset(scopes), "user")

    async def entered(scope: Scope, receive: Receive, send: Send) -> None:
        scope[PRINCIPAL] = principal
        await app(scope, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(entered), base_url="http://localhost")


async def test_job_is_told_with_its_result_as_it_was_written(
    client: httpx.AsyncClient, office: Office
) -> None:
    office.take()
    job = succeed(office, b'{"success":true, "result":[1.50]}')
    answer = await client.get(f"/jobs/{job.id}")
    JobAnswer.model_validate(answer.json())
    assert answer.json()["status"] == "succeeded"
    assert b'"result":{"success":true, "result":[1.50]}' in answer.content


@pytest.mark.parametrize(
    ("content", "kind"), [(b"RIFF", "audio/wav"), (b"[" + b"1," * 99 + b"1]", "application/json")]
)
async def test_result_that_is_no_json_or_large_is_a_file_only(
    client: httpx.AsyncClient,
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    kind: str,
) -> None:
    monkeypatch.setattr(jobs_module, "INLINE_BELOW", 100)
    office.take()
    job = succeed(office, content, kind)
    body = (await client.get(f"/jobs/{job.id}")).json()
    assert body["result"] is None
    file = await client.get(body["result_url"])
    assert (file.status_code, file.content) == (200, content)
    assert file.headers["content-type"] == kind


async def test_list_is_ones_own(app: FastAPI, client: httpx.AsyncClient, office: Office) -> None:
    mine = office.take().job.id
    for name, scopes, ids in (
        ("user:ada", [Allowed.PREDICT], [mine]),
        ("user:bob", [Allowed.PREDICT], []),
        ("user:root", [Allowed.ADMIN], [mine]),
    ):
        async with signed_in(app, name, *scopes) as caller:
            answer = await caller.get("/jobs?limit=5")
            JobsAnswer.model_validate(answer.json())
            assert [job["job_id"] for job in answer.json()["jobs"]] == ids
            assert (await caller.get(f"/jobs/{mine}")).status_code == (200 if ids else 404)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "status=lost", "before=soon"])
async def test_wrong_filter_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/jobs?{query}")).status_code == 422


async def test_list_can_be_filtered(client: httpx.AsyncClient, office: Office) -> None:
    office.take()
    done = succeed(office, b"{}")
    office.take()
    body = (await client.get("/jobs?status=succeeded")).json()
    assert [job["job_id"] for job in body["jobs"]] == [done.id]
    assert (body["queued"], body["running"]) == (1, 0)


async def test_cancelling_answers_what_became_of_it(
    client: httpx.AsyncClient, office: Office
) -> None:
    job = office.take().job
    answer = await client.delete(f"/jobs/{job.id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (await client.get(f"/jobs/{job.id}/result")).status_code == 409


async def test_events_end_with_the_job(client: httpx.AsyncClient, office: Office) -> None:
    office.take()
    job = succeed(office, b"{}")
    answer = await client.get(f"/jobs/{job.id}/events")
    lines = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert lines[1] == "event: succeeded"
    assert orjson.loads(lines[2].removeprefix("data: "))["job_id"] == job.id
    seen = {"last-event-id": lines[0].removeprefix("id: ")}
    assert (await client.get(f"/jobs/{job.id}/events", headers=seen)).text == ""


@pytest.mark.parametrize("path", ["/jobs/none", "/jobs/none/events", "/jobs/none/result"])
async def test_unknown_job_is_a_404(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


async def test_batch_is_taken_in(client: httpx.AsyncClient, office: Office) -> None:
    answer = await client.post(
        "/jobs/batch?model_name=example",
        content=b"[1]\n[2]\n",
        headers={"content-type": "application/x-ndjson"},
    )
    JobAccepted.model_validate(answer.json())
    job = office.ledger.read(answer.json()["job_id"])
    assert (answer.status_code, answer.headers["location"]) == (202, f"/jobs/{job.id}")
    assert read_work(job).lines == 2


async def test_batch_by_a_form_is_taken_in(client: httpx.AsyncClient, office: Office) -> None:
    answer = await client.post(
        "/jobs/batch", data={"model_name": "example"}, files={"file": ("a.jsonl", b"[1]\n")}
    )
    assert answer.status_code == 202
    assert read_work(office.ledger.read(answer.json()["job_id"])).lines == 1
