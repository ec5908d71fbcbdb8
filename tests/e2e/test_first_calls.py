"""The four calls that a new user makes, answered by containers."""

import re

import httpx
import pytest

from tests.integration.test_first_calls import check_health, download, predict, speak

pytestmark = pytest.mark.docker

SERVICES = {
    "gateway",
    "jobs-worker",
    "inference-svc",
    "audio-svc",
    "model-registry-svc",
    "model-registry-worker",
    "gpu-svc",
    "auth-svc",
    "autoscaler-svc",
}
MINILM = {
    "source": "huggingface",
    "model_id": "sentence-transformers/all-MiniLM-L6-v2",
    "name": "all-minilm-l6-v2",
}


async def test_the_four_calls(client: httpx.AsyncClient) -> None:
    await predict(client)
    await download(client)
    await speak(client)
    await check_health(client)


async def test_a_real_model_is_fetched_and_embeds(client: httpx.AsyncClient) -> None:
    sentences = ["How do you do?", "Good morning.", "The invoice is overdue."]
    fetched = await client.post("/models/download", json=MINILM)
    assert fetched.status_code in (200, 202), fetched.text
    answer = await client.post(
        "/predict", json={"model_name": "all-minilm-l6-v2", "inputs": sentences, "timeout": 100}
    )
    told = answer.json()
    assert answer.status_code == 200, told
    greeting, morning, invoice = told["result"]
    assert len(greeting) == 384
    near = sum(a * b for a, b in zip(greeting, morning, strict=True))
    far = sum(a * b for a, b in zip(greeting, invoice, strict=True))
    assert near > far


async def test_every_service_is_healthy(client: httpx.AsyncClient) -> None:
    told = (await client.get("/health")).json()
    unhealthy = {name: check for name, check in told["checks"].items() if not check["healthy"]}
    assert unhealthy == {}
    assert told["status"] == "ok"


async def test_logs_and_metrics_of_every_service_are_at_the_gateway(
    client: httpx.AsyncClient,
) -> None:
    logs = (await client.get("/logs")).json()["available_log_files"]
    assert {entry["service"] for entry in logs} >= SERVICES
    metrics = (await client.get("/metrics")).text
    up = set(re.findall(r'^fleetserve_up\{.*service="([^"]+)".*\} 1', metrics, re.MULTILINE))
    assert up >= SERVICES - {"model-registry-worker"}


async def test_a_model_is_made_faster_and_that_is_undone(client: httpx.AsyncClient) -> None:
    await client.post("/models/download", json={**MINILM, "wait": True})
    wish = {"model_name": MINILM["name"], "candidates": ["bf16", "aot"]}
    answer = await client.post("/server/optimize", json=wish)
    told = answer.json()
    assert answer.status_code == 200, told
    rows = {row["candidate"]: row for row in told["measurements"]}
    assert rows["bf16"]["ms"] > 0
    # The compiler is there, and what it makes can be loaded from the cache volume.
    assert not rows["aot"].get("unavailable"), rows["aot"]
    undone = await client.delete(f"/server/optimize/{MINILM['name']}")
    assert undone.status_code == 200, undone.text
