"""Jobs as a user has them: asked for, followed, fetched, cancelled."""

import asyncio
import json

import httpx
import pytest

from tests.integration.fleet import Fleet
from tests.integration.gateway.processes import until

LATER = {"Prefer": "respond-async"}
SPEECH = {
    "model_name": "speecht5_tts",
    "inputs": "The same words, the same voice, the same audio.",
    "voice": "neutral",
    "seed": 7,
}
TEXTS = ["How do you do?", "Good morning.", "The weather is fine today."]
DONE_S = 60.0


async def events(
    client: httpx.AsyncClient, job_id: str, last_id: str = ""
) -> list[tuple[str, str]]:
    """Ids and names of the events until the end."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    answer = await client.get(f"/jobs/{job_id}/events", headers=headers)
    assert answer.status_code == 200, answer.text
    lines = [line.partition(": ") for line in answer.text.splitlines()]
    ids = [value for name, _, value in lines if name == "id"]
    return list(zip(ids, [value for name, _, value in lines if name == "event"], strict=True))


async def ended(client: httpx.AsyncClient, job_id: str) -> dict[str, object]:
    async with asyncio.timeout(DONE_S):
        await events(client, job_id)
    job: dict[str, object] = (await client.get(f"/jobs/{job_id}")).json()
    return job


async def ask_later(
    client: httpx.AsyncClient, path: str, body: object, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = await client.post(path, json=body, headers={**LATER, **named})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/jobs/{answer.json()['job_id']}"
    return answer


@pytest.mark.usefixtures("models")
async def test_speech_that_comes_later_is_the_same_to_the_byte(client: httpx.AsyncClient) -> None:
    at_once = await client.post("/synthesize", json=SPEECH, headers={"Accept": "audio/wav"})
    assert at_once.content[:4] == b"RIFF"
    job_id = (await ask_later(client, "/synthesize", SPEECH, accept="audio/wav")).json()["job_id"]
    job = await ended(client, job_id)
    assert (job["status"], job["progress"]) == ("succeeded", 1.0)
    assert job["content_type"] == "audio/wav"
    later = await client.get(f"/jobs/{job_id}/result")
    assert later.headers["content-type"] == "audio/wav"
    assert later.content == at_once.content


@pytest.mark.usefixtures("models")
async def test_recording_may_be_a_form(client: httpx.AsyncClient) -> None:
    spoken = await client.post("/synthesize", json=SPEECH, headers={"Accept": "audio/wav"})
    answer = await client.post(
        "/transcribe",
        data={"model_name": "whisper-base"},
        files={"file": ("a.wav", spoken.content, "audio/wav")},
        headers=LATER,
    )
    job = await ended(client, answer.json()["job_id"])
    assert job["status"] == "succeeded", job
    result = job["result"]
    assert isinstance(result, dict)
    assert result["success"] is True
    assert isinstance(result["text"], str)


async def test_wrong_request_fails_as_its_route_says(client: httpx.AsyncClient) -> None:
    body = {"model_name": "example", "inputs": list(range(20))}
    job = await ended(client, (await ask_later(client, "/predict", body)).json()["job_id"])
    error = job["error"]
    assert isinstance(error, dict)
    assert (job["status"], error["code"]) == ("failed", "invalid_field")
    assert (await client.get(f"/jobs/{job['job_id']}/result")).status_code == 409


async def test_repeat_is_the_same_job_and_another_body_a_conflict(
    client: httpx.AsyncClient,
) -> None:
    body = {"model_name": "example", "inputs": [1, 2, 3]}
    answers = await asyncio.gather(
        *(ask_later(client, "/predict", body, idempotency_key="order-17") for _ in range(8))
    )
    ids = {answer.json()["job_id"] for answer in answers}
    assert len(ids) == 1
    other = {"model_name": "example", "inputs": [1, 2, 4]}
    answer = await client.post(
        "/predict", json=other, headers={**LATER, "Idempotency-Key": "order-17"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
    job = await ended(client, ids.pop())
    at_once = await client.post("/predict", json=body)
    result = job["result"]
    assert isinstance(result, dict)
    assert result["result"] == at_once.json()["result"]


@pytest.mark.usefixtures("models")
async def test_batch_gives_each_line_its_place(client: httpx.AsyncClient) -> None:
    lines = [json.dumps(TEXTS[number % 3]) for number in range(60)]
    lines[7] = "{not json"
    lines[11] = json.dumps({"inputs": {"no": "text"}})
    answer = await client.post(
        "/jobs/batch",
        params={"model_name": "all-MiniLM-L6-v2"},
        content="\n".join(lines).encode(),
        headers={"content-type": "application/x-ndjson"},
    )
    job = await ended(client, answer.json()["job_id"])
    assert job["status"] == "succeeded", job
    assert job["lines"] == {"total": 60, "done": 60, "failed": 2}
    file = await client.get(f"/jobs/{job['job_id']}/result")
    assert file.headers["content-type"] == "application/x-ndjson"
    told = [json.loads(line) for line in file.text.splitlines()]
    assert [line["index"] for line in told] == list(range(60))
    assert [n for n, line in enumerate(told) if "error" in line] == [7, 11]
    alone = await client.post("/predict", json={"model_name": "all-MiniLM-L6-v2", "inputs": TEXTS})
    vectors = alone.json()["result"]
    for number, line in enumerate(told):
        if "result" in line:
            near = sum(a * b for a, b in zip(line["result"], vectors[number % 3], strict=True))
            assert near > 0.999


async def test_cancelled_job_stops_and_the_next_one_is_done(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/jobs/batch",
        params={"model_name": "example"},
        content=b"[1,2,3]\n" * 100_000,
        headers={"content-type": "application/x-ndjson"},
    )
    job_id = answer.json()["job_id"]
    async with asyncio.timeout(DONE_S), client.stream("GET", f"/jobs/{job_id}/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data: ") and json.loads(line[6:])["lines"]["done"]:
                break
    cancelled = (await client.delete(f"/jobs/{job_id}")).json()
    assert cancelled["status"] == "cancelled"
    assert 0 < cancelled["progress"] < 1
    following = {"model_name": "example", "inputs": [1]}
    job = await ended(client, (await ask_later(client, "/predict", following)).json()["job_id"])
    assert job["status"] == "succeeded"

    async def idle() -> bool:
        depth = (await client.get("/stats")).json()["jobs"]
        return bool(depth == {"queued": 0, "running": 0})

    await until(idle, DONE_S)
    assert (await client.get(f"/jobs/{job_id}")).json()["progress"] < 1


async def test_follower_that_comes_again_is_told_only_what_is_new(
    client: httpx.AsyncClient,
) -> None:
    body = {"model_name": "example", "inputs": [1]}
    job_id = (await ask_later(client, "/predict", body)).json()["job_id"]
    told = await events(client, job_id)
    assert told[-1][1] == "succeeded"
    assert await events(client, job_id, told[-1][0]) == []
    assert await events(client, job_id, "0-queued-0.0") == told[-1:]


async def test_jobs_are_seen_where_the_fleet_is_looked_at(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    health = (await client.get("/health")).json()
    assert health["checks"]["jobs-worker"]["healthy"] is True
    metrics = (await client.get("/metrics")).text
    assert 'fleetserve_jobs{replica="gateway",service="gateway",state="queued"}' in metrics
    assert len(fleet.replica_pids("gateway.jobs")) == 1
