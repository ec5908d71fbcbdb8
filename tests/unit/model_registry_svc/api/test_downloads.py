import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from fleetserve.announcements import InstanceState, ModelInstance
from model_registry_svc.source.base import ModelHints
from model_registry_svc.worker_presence import WorkerPresence, WorkerReport
from tests.redis_server import RedisServer
from tests.unit.model_registry_svc.conftest import Registry

pytestmark = pytest.mark.anyio
BODY: dict[str, Any] = {"source": "huggingface", "model_id": "org/m", "name": "m"}
Announce = Callable[..., None]


async def post(http: httpx.AsyncClient, **more: object) -> httpx.Response:
    return await http.post("/models/download", json=BODY | more)


async def finish(registry: Registry) -> None:
    await asyncio.to_thread(registry.work)


async def test_download_is_accepted_with_what_is_to_come(http: httpx.AsyncClient) -> None:
    response = await post(http)
    answer = response.json()
    assert response.status_code == 202
    assert answer["success"] is True
    assert answer["download_id"].startswith("dl-")
    assert (answer["status"], answer["model_name"]) == ("downloading", "m")
    assert answer["estimated_time"] is None
    info = answer["download_info"]
    assert (info["bytes_total"], info["task"]) == (5002, "fill-mask")
    assert info["files"] == ["config.json", "model.safetensors"]
    assert info["vocoder_included"] is False


async def test_time_is_estimated_from_the_last_download(
    http: httpx.AsyncClient, app: FastAPI
) -> None:
    presence: WorkerPresence = app.state.services.presence
    presence.announce("w", WorkerReport(0, 500.0))
    assert (await post(http)).json()["estimated_time"] == 11


async def test_status_follows_the_download(http: httpx.AsyncClient, registry: Registry) -> None:
    path = f"/models/download/status/{(await post(http)).json()['download_id']}"
    assert (await http.get(path)).json()["status"] == "pending"
    await finish(registry)
    done = (await http.get(path)).json()
    assert (done["status"], done["progress"], done["eta"]) == ("completed", 100.0, 0)
    assert (done["bytes_done"], done["bytes_total"]) == (5002, 5002)
    assert {f["path"]: f["bytes_done"] for f in done["files"]}["model.safetensors"] == 5000


async def test_model_that_is_here_is_said_to_be(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    await post(http)
    await finish(registry)
    answer = (await post(http)).json()
    assert (answer["status"], answer["estimated_time"]) == ("already_exists", 0)
    status = await http.get(f"/models/download/status/{answer['download_id']}")
    assert status.json()["status"] == "completed"
    cache = (await http.get("/models/cache/info")).json()["cache_optimization"]
    assert (cache["cache_hit_rate"], cache["download_requests"]) == (0.5, 2)


async def posted(http: httpx.AsyncClient, registry: Registry) -> "asyncio.Task[httpx.Response]":
    """A caller that waits, whose download is recorded."""
    waiting = asyncio.create_task(post(http, wait=True))
    while not await asyncio.to_thread(registry.records.all):
        assert not waiting.done()
    return waiting


async def test_waiting_caller_is_answered_at_the_end(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    waiting = await posted(http, registry)
    await finish(registry)
    answer = (await waiting).json()
    assert (answer["status"], answer["estimated_time"]) == ("completed", 0)


async def test_waiting_caller_is_told_of_a_failure(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    waiting = await posted(http, registry)
    registry.hub.repos.pop("org/m")
    await finish(registry)
    response = await waiting
    assert response.status_code == 502
    assert response.json()["success"] is False


async def test_events_tell_each_change_and_the_end(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    download_id = (await post(http)).json()["download_id"]
    await finish(registry)
    response = await http.get(f"/models/download/status/{download_id}/events")
    assert response.headers["content-type"].startswith("text/event-stream")
    first, event, data = response.text.strip().split("\n")[-3:]
    assert (first, event) == ("id: 1", "event: completed")
    assert json.loads(data.removeprefix("data: "))["progress"] == 100.0


@pytest.mark.parametrize("path", ["status/dl-none", "status/dl-none/events", "none/info"])
async def test_unknown_is_a_404(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(f"/models/download/{path}")).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"source": "ftp"}, "source", "'url', 'pytorch_hub', 'torchvision', 'local' or 'tts_auto'"),
        ({"name": "../x"}, "name", "letters, digits"),
        ({"name": "example"}, "name", "reserved"),
        ({"task": "smell"}, "task", "text-to-speech"),
        ({"model_id": ""}, "model_id", "at least 1"),
        ({"input_rank": 99}, "input_rank", "less than"),
        ({"includ_vocoder": True}, "includ_vocoder", "not permitted"),
    ],
)
async def test_wrong_field_is_named(
    http: httpx.AsyncClient, wrong: dict[str, object], field: str, said: str
) -> None:
    response = await post(http, **wrong)
    assert response.status_code == 422
    assert response.json()["detail"].startswith(f"{field}: ")
    assert said in response.json()["detail"]


async def test_missing_repository_taken_name_and_lack_of_room_have_their_statuses(
    http: httpx.AsyncClient, registry: Registry, app: FastAPI
) -> None:
    assert (await post(http, model_id="org/none")).status_code == 404
    registry.hub.repos["org/o"] = {"model.safetensors": b"o"}
    await post(http)
    taken = await post(http, model_id="org/o")
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    registry.free = 10
    full = await post(http, model_id="org/m", name="second")
    assert (full.status_code, full.json()["needed_bytes"]) == (507, 5002)


async def test_while_redis_is_away_it_is_a_503(
    http: httpx.AsyncClient, redis_server: RedisServer
) -> None:
    redis_server.stop()
    response = await post(http)
    assert response.status_code == 503
    assert "retry-after" in response.headers


async def test_flags_mean_what_they_say(http: httpx.AsyncClient, registry: Registry) -> None:
    silent = await post(http, auto_convert_tts=True)
    assert (silent.status_code, silent.json()["code"]) == (422, "does_not_speak")
    await post(http, enable_large_model=True, experimental=True)
    await finish(registry)
    # Also of a model that is here.
    assert (await post(http, auto_convert_tts=True)).status_code == 422
    assert (await post(http, source="tts_auto", name="other")).status_code == 422
    registry.hub.repos["org/p"] = {"pytorch_model.bin": b"p"}
    refused = await post(http, model_id="org/p", name="p", task="fill-mask")
    assert (refused.status_code, refused.json()["code"]) == (422, "pickle_refused")
    taken = await post(http, model_id="org/p", name="p", task="fill-mask", allow_pickle=True)
    assert taken.status_code == 202


async def test_vocoder_is_told_of(http: httpx.AsyncClient, registry: Registry) -> None:
    registry.hub.repos["microsoft/speecht5_hifigan"] = {"model.safetensors": b"v" * 7}
    registry.hub.hints = {"org/m": ModelHints(pipeline_tag="text-to-speech", model_type="speecht5")}
    info = (await post(http, include_vocoder=True)).json()["download_info"]
    assert info["vocoder_included"] is True
    assert info["vocoder_model"] == "microsoft/speecht5_hifigan"
    assert info["bytes_total"] == 5009


async def test_info_tells_files_and_digests_also_while_redis_is_away(
    http: httpx.AsyncClient, registry: Registry, redis_server: RedisServer
) -> None:
    await post(http)
    coming = (await http.get("/models/download/m/info")).json()
    assert (coming["state"], coming["files"]) == ("downloading", [])
    await finish(registry)
    redis_server.stop()
    info = (await http.get("/models/download/m/info")).json()
    assert (info["state"], info["task"], info["size_mb"]) == ("ready", "fill-mask", 0.005)
    assert [f["path"] for f in info["files"]] == ["config.json", "model.safetensors"]
    assert all(len(f["sha256"]) == 64 for f in info["files"])


async def delete(http: httpx.AsyncClient, registry: Registry, query: str = "") -> httpx.Response:
    """Deletes, with the worker doing its part meanwhile."""
    waiting = asyncio.create_task(http.delete(f"/models/download/m{query}"))
    while not waiting.done():
        await finish(registry)
    return await waiting


async def test_deleting_frees_the_disk(http: httpx.AsyncClient, registry: Registry) -> None:
    await post(http)
    await finish(registry)
    response = await delete(http, registry)
    assert response.status_code == 200
    assert response.json()["freed_mb"] >= 0.005
    assert (await http.delete("/models/download/m")).status_code == 404


async def test_deleting_a_model_in_use_needs_force(
    http: httpx.AsyncClient, registry: Registry, announce: Announce
) -> None:
    await post(http)
    await finish(registry)
    announce("r1", ModelInstance("m", "rev", InstanceState.READY))
    refused = await http.delete("/models/download/m")
    assert (refused.status_code, refused.json()["replicas"]) == (409, ["r1"])
    forced = await delete(http, registry, "?force=true")
    assert forced.json()["still_loaded_on"] == ["r1"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_what_a_web_page_could_send_by_itself_is_not_taken(
    http: httpx.AsyncClient, content_type: str
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = await http.post("/models/download", content=json.dumps(BODY), headers=headers)
    assert response.status_code == 415


async def test_body_that_is_no_json_is_a_400(http: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    response = await http.post("/models/download", content="{", headers=headers)
    assert response.status_code == 400
