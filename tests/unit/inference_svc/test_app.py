"""The whole service in this process: the real engines behind the real data plane."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import torch

from fleetserve.announcements import ReplicaState
from fleetserve.manifest import Manifest, ManifestFile, publish_manifest
from fleetserve.runtime import ServiceRuntime, make_runtime
from fleetserve.tokens import TokenSigner, make_secrets
from inference_svc.app import build_app
from inference_svc.settings import InferenceSettings, load_settings
from tests.checkpoints.published import REVISION, publish_llama
from tests.hub.minilm import minilm_folder

WAIT_S = 60.0


@pytest.fixture
def settings(tmp_path: Path) -> InferenceSettings:
    environ = {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        "FLEETSERVE_REPLICA_ID": "r1",
        "FLEETSERVE_LOGGING__STDOUT": "false",
        "DEVICE": "cpu",
        "TORCH_THREADS": "1",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    return load_settings(environ)


@pytest.fixture
def own_process() -> Iterator[None]:
    """Puts back what a service sets for its whole process."""
    root = logging.getLogger()
    handlers, level, threads = list(root.handlers), root.level, torch.get_num_threads()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    torch.set_num_threads(threads)
    torch.set_grad_enabled(True)
    structlog.reset_defaults()


@pytest.fixture
async def runtime(
    settings: InferenceSettings, own_process: None, anyio_backend: str
) -> AsyncIterator[ServiceRuntime]:
    make_secrets(settings.service.secrets_dir, ["gateway", "inference-svc"])
    runtime = make_runtime(settings.service)
    runtime.address = "http://127.0.0.1:1"
    yield runtime
    await runtime.redis.aclose()
    runtime.sink.close()


@pytest.fixture
async def client(
    settings: InferenceSettings, runtime: ServiceRuntime
) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(settings, runtime)
    signer = TokenSigner(settings.service.secrets_dir, "gateway", runtime.clock)
    incoming: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    outgoing: asyncio.Queue[Any] = asyncio.Queue()
    lifespan: asyncio.Future[None] = asyncio.ensure_future(
        app({"type": "lifespan", "state": {}}, incoming.get, outgoing.put)
    )
    async with asyncio.timeout(WAIT_S):
        await incoming.put({"type": "lifespan.startup"})
        assert (await outgoing.get())["type"] == "lifespan.startup.complete"
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://replica",
            headers={"x-fleet-token": signer.token_for("inference-svc")},
            timeout=WAIT_S,
        ) as client:
            yield client
        await incoming.put({"type": "lifespan.shutdown"})
        await lifespan


def publish_minilm(models_dir: Path) -> None:
    source = minilm_folder()
    shutil.copytree(source, models_dir / "minilm" / "c0ffee")
    paths = [path for path in source.rglob("*") if path.is_file()]
    files = tuple(
        ManifestFile(str(path.relative_to(source)), path.stat().st_size, "0") for path in paths
    )
    size = sum(file.size for file in files)
    publish_manifest(
        models_dir,
        Manifest(
            "minilm",
            "huggingface",
            "sentence-transformers/all-MiniLM-L6-v2",
            "c0ffee",
            "sentence-similarity",
            files,
            size,
            0.0,
        ),
    )


async def predict(client: httpx.AsyncClient, **body: object) -> httpx.Response:
    return await client.post("/predict", json=body)


async def test_example_is_there_without_any_file(
    client: httpx.AsyncClient, runtime: ServiceRuntime
) -> None:
    answer = await predict(client, model_name="example", inputs=[1, 2, 3, 4, 5])
    body = answer.json()
    assert answer.status_code == 200
    assert isinstance(body["result"], float)
    assert (body["model_info"]["device"], body["model_info"]["task"]) == ("cpu", "tensor")
    assert body["batch_info"]["replica"] == "r1"
    assert "compute;dur=" in answer.headers["server-timing"]
    batch = (await predict(client, model_name="example", inputs=[[1, 2, 3, 4, 5], [0]])).json()
    assert batch["result"][0] == body["result"]
    assert runtime.state is ReplicaState.READY
    assert runtime.announcement().versions["torch"] == torch.__version__


async def test_minilm_is_loaded_by_the_first_request_for_it(
    client: httpx.AsyncClient, settings: InferenceSettings, runtime: ServiceRuntime
) -> None:
    missing = await predict(client, model_name="minilm", inputs="hello")
    assert (missing.status_code, missing.json()["code"]) == (404, "model_not_found")
    publish_minilm(settings.service.models_dir)
    first, second = await asyncio.gather(
        predict(client, model_name="minilm", inputs="hello"),
        predict(client, model_name="minilm", inputs=["hello", "a longer one"]),
    )
    assert first.json()["batch_info"]["cold_start"]
    assert len(first.json()["result"]) == 384
    assert [len(vector) for vector in second.json()["result"]] == [384, 384]
    said = {model.name: model for model in runtime.announcement().models}
    assert said["minilm"].revision == "c0ffee"
    assert said["minilm"].bytes > 80_000_000
    gone = await client.delete("/internal/models/minilm@c0ffee")
    assert gone.json()["state"] == "gone"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"model_name": "example"}, "inputs"),
        ({"inputs": [1]}, "model_name"),
        ({"model_name": "example", "inputs": [[1, 2], [3, "x"]]}, "inputs[1][1]"),
        ({"model_name": "example", "inputs": [0] * 11}, "inputs"),
        ({"model_name": "example", "inputs": [1], "priority": 12}, "priority"),
        ({"model_name": "example", "inputs": [1], "parameters": {"x": 1}}, "parameters.x"),
    ],
)
async def test_a_wrong_request_is_422_and_names_the_field(
    client: httpx.AsyncClient, body: dict[str, object], field: str
) -> None:
    answer = await predict(client, **body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_its_dashboard_shows_models_and_batches(client: httpx.AsyncClient) -> None:
    await predict(client, model_name="example", inputs=[1])
    shown = (await client.get("/dashboard-data")).json()
    assert [table["title"] for table in shown["tables"]] == ["Models here", "Batches", "Texts"]


async def test_a_model_that_writes_streams_beside_the_others(
    client: httpx.AsyncClient, settings: InferenceSettings, runtime: ServiceRuntime
) -> None:
    publish_llama(settings.service.models_dir)
    text = await predict(
        client,
        model_name="smollm2",
        inputs="the quick brown fox",
        parameters={"max_new_tokens": 8},
    )
    told = text.json()
    assert text.status_code == 200, told
    assert told["model_info"]["task"] == "text-generation"
    body = {"model_name": "smollm2", "inputs": "the quick brown fox", "stream": True}
    async with client.stream(
        "POST", "/predict", json={**body, "parameters": {"max_new_tokens": 8}}
    ) as answer:
        events = (await answer.aread()).decode().split("\n\n")
    assert answer.headers["content-type"] == "text/event-stream"
    assert events[0].startswith("event: token\n")
    assert events[-2].startswith("event: done\n")
    assert told["result"]["generated_text"] in events[-2]
    page = (await client.get("/metrics")).text
    assert 'fleetserve_generated_tokens_total{model="smollm2"} 16.0' in page
    gone = await client.delete(f"/internal/models/smollm2@{REVISION}")
    assert gone.json()["state"] == "gone"
