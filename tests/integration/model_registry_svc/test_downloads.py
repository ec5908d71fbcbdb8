"""Real downloads: the service, the Celery worker, Redis and a hub, with what can go wrong."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from transformers import AutoModelForImageClassification

from fleetserve.built_in import find_built_in
from tests.checkpoints.torchvision_models import SIDE, make_model, write_weights
from tests.hub import Fault, FaultKind, HubRepo, HubServer
from tests.integration.model_registry_svc.conftest import (
    BIG_BYTES,
    VOICE,
    VOICE_ADDRESS,
    running_stack,
    serving_hub,
)
from tests.integration.model_registry_svc.stack import Stack, follow
from tests.redis_server import RedisServer

SMALL = {"source": "huggingface", "model_id": "org/small", "name": "small"}
BIG = {"source": "huggingface", "model_id": "org/big", "name": "big"}
SPEECH = {
    "source": "huggingface",
    "model_id": "microsoft/speecht5_tts",
    "name": "speecht5_tts",
    "task": "text-to-speech",
    "include_vocoder": True,
    "allow_pickle": True,
    "wait": True,
}


@pytest.fixture
def torchvision(hub: HubServer, tmp_path: Path) -> str:
    """The id of small weights that the hub serves as PyTorch's server does."""
    path = write_weights(tmp_path, make_model("resnet50").state_dict(), "tiny", legacy=True)
    hub.add(HubRepo("pytorch/models", files={path.name: path}))
    return f"resnet50/{path.name}"


@pytest.fixture(scope="module")
def shared(big_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One registry with its worker for all tests of this file."""
    folder = tmp_path_factory.mktemp("stack")
    voice = {"address": VOICE_ADDRESS, "sha256": hashlib.sha256(VOICE).hexdigest(), "size": 2176}
    with (
        RedisServer(folder) as redis,
        serving_hub(big_file) as hub,
        running_stack(folder, redis, hub) as stack,
    ):
        stack.catalogue.write_text(json.dumps({"voices": {"default": voice}}))
        stack.worker()
        yield stack


@pytest.fixture(scope="module")
def shared_registry(shared: Stack) -> Iterator[httpx.Client]:
    with shared.registry() as client:
        yield client


@pytest.fixture
def stack(shared: Stack) -> Stack:
    """The shared one, with a hub that has done nothing yet."""
    shared.hub.faults.clear()
    shared.hub.log.clear()
    return shared


@pytest.fixture
def hub(stack: Stack) -> HubServer:
    return stack.hub


@pytest.fixture
def registry(shared_registry: httpx.Client) -> Iterator[httpx.Client]:
    """The shared one; what a test has downloaded is deleted."""
    yield shared_registry
    for name in shared_registry.get("/models").json()["models"]:
        if name != "example" and find_built_in(name) is None:
            assert shared_registry.delete(f"/models/download/{name}").status_code == 200


def download(client: httpx.Client, body: dict[str, Any]) -> str:
    response = client.post("/models/download", json=body)
    assert response.status_code == 202, response.text
    download_id: str = response.json()["download_id"]
    return download_id


def manifest(stack: Stack, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((stack.models_dir / name / "manifest.json").read_bytes())
    return loaded


def assert_whole(stack: Stack, name: str) -> None:
    """Every file is there and is what the manifest says."""
    found = manifest(stack, name)
    folder = stack.models_dir / name / found["revision"]
    for file in found["files"]:
        content = (folder / file["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        assert len(content) == file["size"]


def test_sixty_megabytes_show_rising_bytes_and_arrive_whole(
    stack: Stack, registry: httpx.Client, hub: HubServer, big_file: Path
) -> None:
    hub.fail(Fault(kind=FaultKind.SLOW, path="*.safetensors", bytes_per_s=60_000_000))
    seen = [state["bytes_done"] for state in follow(registry, download(registry, BIG))]
    assert seen == sorted(seen)
    assert len(set(seen)) >= 5
    assert seen[-1] == big_file.stat().st_size + 2
    assert_whole(stack, "big")
    assert stack.hub.log.bytes_sent_twice("model.safetensors") == 0
    assert registry.get("/models").json()["model_info"]["big"]["state"] == "ready"


def test_cut_connections_are_resumed_without_asking_for_a_byte_twice(
    stack: Stack, registry: httpx.Client, hub: HubServer
) -> None:
    hub.fail(Fault(kind=FaultKind.CUT, path="*.safetensors", after_bytes=7_000_000, times=2))
    states = list(follow(registry, download(registry, BIG)))
    assert states[-1]["status"] == "completed"
    assert [r.start for r in hub.log.bodies("model.safetensors")] == [0, 7_000_000, 14_000_000]
    assert hub.log.bytes_sent("model.safetensors") == BIG_BYTES
    resumed = [r for r in hub.log.bodies("model.safetensors") if r.start]
    assert all(r.if_match for r in resumed)
    assert_whole(stack, "big")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.STATUS, where="cdn", status=503),
        Fault(kind=FaultKind.STATUS, where="resolve", status=429, retry_after_s=1),
        Fault(kind=FaultKind.WRONG_LENGTH, path="*.safetensors", length_delta=5),
        Fault(kind=FaultKind.TRUNCATE, path="*.safetensors", after_bytes=100_000),
        Fault(kind=FaultKind.CORRUPT, path="*.safetensors", after_bytes=1000),
        Fault(kind=FaultKind.NEW_COMMIT, path="*.safetensors", after_bytes=50_000),
    ],
    ids=lambda fault: f"{fault.kind}",
)
def test_what_a_hub_does_wrong_once_is_made_good(
    stack: Stack, registry: httpx.Client, hub: HubServer, fault: Fault
) -> None:
    hub.fail(fault)
    states = list(follow(registry, download(registry, SMALL)))
    assert states[-1]["status"] == "completed", states[-1]
    assert_whole(stack, "small")
    done = [state["bytes_done"] for state in states]
    assert done == sorted(done)


def test_content_that_stays_wrong_fails_and_publishes_nothing(
    stack: Stack, registry: httpx.Client, hub: HubServer
) -> None:
    hub.fail(Fault(kind=FaultKind.CORRUPT, path="*.safetensors", after_bytes=1000, times=None))
    last = list(follow(registry, download(registry, SMALL)))[-1]
    assert (last["status"], last["code"]) == ("failed", "corrupt_transfer")
    assert not (stack.models_dir / "small" / "manifest.json").exists()
    assert registry.get("/models").json()["model_info"]["small"]["state"] == "failed"
    hub.faults.clear()
    again = list(follow(registry, download(registry, SMALL)))[-1]
    assert again["status"] == "completed"


def test_speech_model_comes_with_its_vocoder_and_its_voice(
    stack: Stack, registry: httpx.Client
) -> None:
    answer = registry.post("/models/download", json=SPEECH).json()
    assert (answer["status"], answer["download_info"]["vocoder_included"]) == ("completed", True)
    found = manifest(stack, "speecht5_tts")
    folder = stack.models_dir / "speecht5_tts" / found["revision"]
    assert (folder / "voices" / "default.npy").read_bytes() == VOICE
    assert (folder / "vocoder" / "pytorch_model.bin").stat().st_size == 7000
    assert found["vocoder"]["model_id"] == "microsoft/speecht5_hifigan"
    assert found["warnings"] == []
    assert_whole(stack, "speecht5_tts")


def test_voice_that_cannot_be_had_is_warned_of_and_the_model_comes(
    stack: Stack, registry: httpx.Client, hub: HubServer
) -> None:
    hub.fail(Fault(kind=FaultKind.STATUS, path="*slt.npy", status=404, times=None))
    answer = registry.post("/models/download", json=SPEECH).json()
    assert answer["status"] == "completed"
    assert "neutral" in answer["message"]
    info = registry.get("/models/download/speecht5_tts/info").json()
    assert "'default' could not be fetched" in info["warnings"][0]
    assert_whole(stack, "speecht5_tts")


def test_deleting_stops_a_download_and_frees_the_disk(
    stack: Stack, registry: httpx.Client, hub: HubServer
) -> None:
    hub.fail(Fault(kind=FaultKind.SLOW, path="*.safetensors", bytes_per_s=10_000_000))
    download_id = download(registry, BIG)
    states = follow(registry, download_id)
    assert next(s for s in states if s["bytes_done"] > 5_000_000)
    answer = registry.delete("/models/download/big").json()
    assert answer["freed_mb"] >= 5
    assert list(states)[-1]["status"] == "cancelled"
    assert not (stack.models_dir / "big").exists()
    assert "big" not in registry.get("/models").json()["models"]


def test_gated_and_missing_repositories_are_told_at_once(registry: httpx.Client) -> None:
    gated = registry.post("/models/download", json={**SMALL, "model_id": "org/gated"})
    assert (gated.status_code, gated.json()["code"]) == (403, "gated_repository")
    missing = registry.post("/models/download", json={**SMALL, "model_id": "org/none"})
    assert (missing.status_code, missing.json()["code"]) == (404, "repository_not_found")


def test_weights_of_torchvision_become_a_model_that_transformers_loads(
    registry: httpx.Client, hub: HubServer, torchvision: str, stack: Stack
) -> None:
    # The first answer is the registry's look at what there is, the second the worker's.
    hub.fail(Fault(kind=FaultKind.CUT, path="*.pth", after_bytes=20_000, times=2))
    body = {"source": "torchvision", "model_id": torchvision, "name": "tiny", "wait": True}
    answer = registry.post("/models/download", json=body).json()
    assert answer["status"] == "completed", answer
    info = registry.get("/models/download/tiny/info").json()
    assert info["task"] == "image-classification"
    assert any(record.range for record in hub.log.all() if record.file.endswith(".pth"))
    folder = stack.models_dir / "tiny" / info["revision"]
    model, told = AutoModelForImageClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(told.values()), told
    images = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        torch.testing.assert_close(
            model.eval()(images).logits, make_model("resnet50")(images), atol=1e-5, rtol=1e-5
        )


def test_hub_of_pytorch_gives_weights_and_refuses_code(
    registry: httpx.Client, torchvision: str
) -> None:
    body = {"source": "pytorch_hub", "model_id": "snakers4/silero-vad/silero_vad", "name": "vad"}
    refused = registry.post("/models/download", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "hub_code_refused")
    body |= {"model_id": f"pytorch/vision/{torchvision}", "name": "hubbed"}
    answer = registry.post("/models/download", json={**body, "wait": True})
    assert answer.json()["status"] == "completed", answer.text
