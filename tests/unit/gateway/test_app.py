import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest

from fleetserve.auth.config import AuthConfig
from fleetserve.settings import ServiceSettings
from gateway.app import build
from gateway.settings import GatewaySettings


@contextlib.asynccontextmanager
async def gateway(settings: ServiceSettings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a whole gateway without a fleet; its background tasks are not running."""
    app, runtime = build(GatewaySettings(settings, AuthConfig()))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://localhost:8000"
    ) as client:
        yield client
    for close in runtime.on_shutdown:
        await close()
    await runtime.redis.aclose()
    runtime.sink.close()


@pytest.fixture
async def client(
    settings: ServiceSettings, own_logging: None, anyio_backend: str
) -> AsyncIterator[httpx.AsyncClient]:
    catalogue = {"available_models": {"speecht5_tts": {}}, "aliases": {"tts-1": "speecht5_tts"}}
    settings.catalogue_path.write_bytes(orjson.dumps(catalogue))
    async with gateway(settings) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/info", "/config", "/stats", "/openapi.json", "/docs", "/redoc", "/metrics"]
)
async def test_own_routes_answer_without_a_fleet(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["x-request-id"]


async def test_health_without_a_fleet_is_down_and_says_what_is_missing(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/health")
    assert answer.status_code == 503
    body = answer.json()
    assert (body["healthy"], body["status"]) == (False, "down")
    assert not body["checks"]["inference-svc"]["healthy"]
    assert not body["checks"]["redis"]["healthy"]


async def test_process_itself_is_well(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live")
    assert (answer.status_code, answer.json()["reasons"]) == (200, [])


async def test_unknown_path_is_a_404_in_the_fleets_shape(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nothing")
    assert answer.status_code == 404
    assert set(answer.json()) == {"success", "error", "detail", "code", "request_id"}


@pytest.mark.parametrize("name", ["speecht5_tts", "tts-1"])
async def test_models_of_the_catalogue_and_its_aliases_would_be_fetched(
    client: httpx.AsyncClient, name: str
) -> None:
    answer = await client.post("/predict", json={"model_name": name, "inputs": 1})
    assert answer.status_code == 503
    assert "model-registry-svc, which fetches models" in answer.json()["detail"]


async def test_model_that_is_not_speech_is_refused_on_an_audio_route(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/synthesize", json={"model_name": "example", "inputs": "x"})
    assert answer.status_code == 422


async def test_predict_waits_for_a_replica_until_its_time_is_over(
    client: httpx.AsyncClient,
) -> None:
    async with asyncio.timeout(5.0):
        answer = await client.post("/predict", json={"model_name": "example", "timeout": 0.05})
    assert answer.status_code == 504
    assert "inference-svc is starting" in answer.json()["detail"]


@pytest.mark.parametrize("content", [None, b"{", b"[]", b'{"available_models": {}}'])
async def test_missing_or_broken_catalogue_costs_only_the_hint(
    settings: ServiceSettings, own_logging: None, anyio_backend: str, content: bytes | None
) -> None:
    if content is not None:
        settings.catalogue_path.write_bytes(content)
    async with gateway(settings) as client:
        answer = await client.post("/predict", json={"model_name": "nothing"})
    assert answer.status_code == 404


async def test_every_route_of_the_document_is_described(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert {"/", "/health", "/info", "/stats", "/config", "/predict"} <= set(document["paths"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), f"{method} {path} says nothing of itself"
