import asyncio
from collections.abc import Callable
from datetime import datetime

import httpx
import pytest

from fleetserve.announcements import InstanceState, ModelInstance
from model_registry_svc.api.download_schemas import DOWNLOAD_EXAMPLE, DownloadBody
from model_registry_svc.catalogue import Catalogue
from model_registry_svc.orders import DownloadOrder
from tests.redis_server import RedisServer
from tests.unit.model_registry_svc.conftest import Registry

pytestmark = pytest.mark.anyio
Announce = Callable[..., None]
ORDER = DownloadOrder("huggingface", "org/m", "m")


@pytest.fixture
def registry(registry: Registry) -> Registry:
    entry = {
        "source": "huggingface",
        "model_id": "org/m",
        "task": "fill-mask",
        "description": "Fills masks.",
        "size_mb": 1,
        "license": "MIT",
        "tags": ["english"],
    }
    content = {"available_models": {"masks": entry}, "model_groups": {"text": ["masks"]}}
    registry.catalogue = Catalogue.model_validate(content)
    return registry


async def fetched(registry: Registry) -> None:
    await asyncio.to_thread(registry.downloads.start, ORDER)
    await asyncio.to_thread(registry.work)


async def test_models_are_those_built_in_on_disk_and_on_their_way(
    http: httpx.AsyncClient, registry: Registry, announce: Announce
) -> None:
    await fetched(registry)
    registry.hub.repos["org/o"] = {"model.safetensors": b"o"}
    order = DownloadOrder("huggingface", "org/o", "o", task="text-to-speech")
    await asyncio.to_thread(registry.downloads.start, order)
    announce("r1", ModelInstance("m", "rev", InstanceState.READY))
    answer = (await http.get("/models")).json()
    assert answer["models"] == ["example", "m", "o", "tiny_stt", "tiny_tts"]
    assert answer["available_models"] == ["example", "m", "tiny_stt", "tiny_tts"]
    assert answer["total_models"] == 5
    info = answer["model_info"]["m"]
    assert (info["state"], info["loaded_on"], info["category"]) == ("ready", ["r1"], "text")
    assert info["hardware_requirements"]["min_memory_mb"] == 0.005
    assert answer["model_info"]["o"]["state"] == "downloading"
    assert answer["specialized_models"]["tts_models"] == ["o", "tiny_tts"]
    assert answer["model_groups"] == {"text": ["masks"]}
    assert answer["warnings"] == []


async def test_while_redis_is_away_the_disk_answers_with_a_warning(
    http: httpx.AsyncClient, registry: Registry, redis_server: RedisServer
) -> None:
    await fetched(registry)
    redis_server.stop()
    answer = (await http.get("/models")).json()
    assert answer["models"] == ["example", "m", "tiny_stt", "tiny_tts"]
    assert any("Redis" in warning for warning in answer["warnings"])


async def test_catalogue_is_what_can_be_had_and_what_is_here(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    await fetched(registry)
    answer = (await http.get("/models/available")).json()
    assert answer["total_available"] == 1
    entry = answer["available_models"]["masks"]
    assert (entry["task"], entry["license"], entry["downloaded"]) == ("fill-mask", "MIT", True)
    assert answer["categories"] == {"text": ["masks"]}


async def test_managed_are_those_on_replicas_and_on_disk(
    http: httpx.AsyncClient, registry: Registry, announce: Announce
) -> None:
    await fetched(registry)
    used, unused = (
        ModelInstance(
            "example", "built-in", InstanceState.READY, 2_000_000, "tensor", "float32", 3.0, 0, uses
        )
        for uses in (1, 0)
    )
    announce("r1", used, device="cpu")
    announce("r2", unused, device="cpu")
    answer = (await http.get("/models/managed")).json()
    example, masks = answer["downloaded_models"]
    assert (example["name"], example["loaded"], example["replicas"]) == (
        "example",
        True,
        ["r1", "r2"],
    )
    assert example["memory_usage"]["allocated_mb"] == 4.0
    assert (example["device"], example["dtype"], example["optimized"]) == ("cpu", "float32", False)
    assert datetime.fromisoformat(example["last_used"]).tzinfo is not None
    assert (masks["name"], masks["loaded"], masks["last_used"]) == ("m", False, None)
    assert (example["pinned"], masks["pinned"], masks["keep_alive"]) == (True, False, None)
    assert (masks["revision"], masks["previous_revision"]) == (
        registry.library.manifests()[0].revision,
        None,
    )
    assert answer["summary"]["loaded"] == 1


async def test_model_that_was_not_used_since_it_was_loaded_has_no_last_use(
    http: httpx.AsyncClient, announce: Announce
) -> None:
    announce("r1", ModelInstance("example", "built-in", InstanceState.READY))
    (example,) = (await http.get("/models/managed")).json()["downloaded_models"]
    assert (example["loaded"], example["last_used"]) == (True, None)


async def test_managed_cannot_be_told_while_redis_is_away(
    http: httpx.AsyncClient, redis_server: RedisServer
) -> None:
    redis_server.stop()
    assert (await http.get("/models/managed")).status_code == 503


async def test_volume_is_measured(http: httpx.AsyncClient, registry: Registry) -> None:
    await fetched(registry)
    (registry.models_dir / "m" / "extra").write_bytes(b"x" * 1_000_000)
    answer = (await http.get("/models/cache/info")).json()
    assert answer["total_models"] == 1
    assert answer["models"][0]["size_mb"] > 1.0
    assert answer["disk_free_mb"] > 0
    assert answer["cache_directory"] == str(registry.models_dir)
    assert answer["cache_optimization"]["cache_hit_rate"] is None


async def test_every_route_is_described_and_the_example_is_valid(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    operations = [op for item in document["paths"].values() for op in item.values()]
    assert len(operations) == 13
    assert all(op["summary"] and op["description"] for op in operations)
    posted = document["paths"]["/models/download"]["post"]["requestBody"]["content"]
    (example,) = posted["application/json"]["examples"].values()
    assert example["value"] == DOWNLOAD_EXAMPLE
    assert DownloadBody.model_validate(DOWNLOAD_EXAMPLE).order().include_vocoder is None
