from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fleetserve.announcements import InstanceState, ModelInstance
from fleetserve.errors import DoesNotFitError
from model_registry_svc.orders import DownloadOrder
from tests.unit.model_registry_svc.conftest import Registry

Announce = Callable[..., None]
ORDER = DownloadOrder("huggingface", "org/m", "m")


@pytest.fixture
def here(registry: Registry) -> str:
    """A model on the disk; its revision."""
    registry.downloads.start(ORDER)
    registry.work()
    return registry.library.manifests()[0].revision


async def manage(http: httpx.AsyncClient, **body: Any) -> httpx.Response:
    return await http.post("/models/manage", json={"model_name": "m", **body})


async def test_query_and_body_say_the_same(
    http: httpx.AsyncClient, here: str, announce: Announce
) -> None:
    announce("r1")
    query = "action=load&model_name=M&wait=true"
    answers = [
        await http.post(f"/models/manage?{query}"),
        await manage(http, action="load", wait=True),
        await http.post(f"/models/manage?{query}", json={"model_name": "m"}),
    ]
    assert [a.status_code for a in answers] == [200] * 3
    told = answers[0].json()
    assert {
        "action": "load",
        "model_name": "m",
        "status": "loaded",
        "replicas": ["r1"],
        "pinned": False,
        "keep_alive": None,
        "revision": here,
        "previous_revision": None,
        "download_id": None,
    }.items() <= told.items()
    assert all(a.json() == told for a in answers)


async def test_what_is_begun_is_accepted(
    http: httpx.AsyncClient, here: str, announce: Announce, registry: Registry
) -> None:
    announce("r1")
    loading = await manage(http, action="load")
    assert (loading.status_code, loading.json()["status"]) == (202, "loading")
    registry.hub.repos["org/m"]["config.json"] = b'{"newer": true}'
    updating = await manage(http, action="update")
    assert (updating.status_code, updating.json()["status"]) == (202, "updating")
    follow = updating.headers["location"]
    assert follow.endswith(updating.json()["download_id"])
    assert (await http.get(follow)).status_code == 200


async def test_unload_says_where_it_left(
    http: httpx.AsyncClient, here: str, announce: Announce, registry: Registry
) -> None:
    nowhere = await manage(http, action="unload")
    assert (nowhere.status_code, nowhere.json()["replicas"]) == (200, [])
    announce("r1", ModelInstance("m", here, InstanceState.READY))
    told = (await manage(http, action="unload")).json()
    assert (told["replicas"], told["memory_freed_mb"]) == (["r1"], 1.0)
    registry.calls.held.add("m")
    held = await manage(http, action="unload")
    assert (held.status_code, held.json()["status"]) == (202, "unloading")


async def test_pin_loads_it_and_has_the_replicas_know(
    http: httpx.AsyncClient, here: str, announce: Announce, registry: Registry
) -> None:
    announce("r1")
    pinned = await manage(http, action="pin", wait=True)
    assert (pinned.status_code, pinned.json()["pinned"]) == (200, True)
    assert [verb for verb, _, _ in registry.calls.made] == ["load", "read_pins"]
    (model,) = (await http.get("/models/managed")).json()["downloaded_models"]
    assert model["pinned"] is True
    refused = await manage(http, action="unload")
    assert (refused.status_code, refused.json()["code"]) == (409, "model_pinned")
    assert (await manage(http, action="unpin")).json()["pinned"] is False


async def test_what_cannot_be_loaded_is_not_pinned(
    http: httpx.AsyncClient, here: str, announce: Announce, registry: Registry
) -> None:
    announce("r1")
    registry.calls.failures["m"] = DoesNotFitError("r1: up to 10 MiB would fit")
    refused = await manage(http, action="pin", wait=True)
    assert (refused.status_code, refused.json()["code"]) == (507, "does_not_fit")
    (model,) = (await http.get("/models/managed")).json()["downloaded_models"]
    assert model["pinned"] is False


@pytest.mark.parametrize(("given", "kept"), [(600, 600.0), (0, 0.0), (-1, -1.0), (-0.5, -1.0)])
async def test_keep_alive_is_recorded_and_taken_back(
    http: httpx.AsyncClient, here: str, given: float, kept: float
) -> None:
    told = await http.post(f"/models/manage?model_name=m&keep_alive={given}")
    assert (told.status_code, told.json()["status"]) == (200, "recorded")
    assert told.json()["keep_alive"] == kept
    assert (await http.get("/models")).json()["model_info"]["m"]["keep_alive"] == kept
    assert (await manage(http, keep_alive=None)).json()["keep_alive"] is None


async def test_update_that_has_nothing_to_do_says_so(http: httpx.AsyncClient, here: str) -> None:
    told = await manage(http, action="update")
    assert (told.status_code, told.json()["status"]) == (200, "up_to_date")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        ({"action": "burn"}, "action"),
        ({"keep_alive": -2}, "keep_alive"),
        ({"action": "load", "model_name": ""}, "model_name"),
        ({"action": "optimize"}, "action"),
        ({"action": "load", "speed": 1}, "speed"),
    ],
)
async def test_wrong_field_is_named(
    http: httpx.AsyncClient, here: str, body: dict[str, Any], field: str
) -> None:
    answer = await manage(http, **body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize("action", ["unload", "pin", "unpin", "update", "rollback"])
async def test_built_in_model_stays_as_it_is(http: httpx.AsyncClient, action: str) -> None:
    answer = await manage(http, action=action, model_name="example")
    assert (answer.status_code, answer.json()["code"]) == (409, "model_built_in")


async def test_built_in_model_is_loaded_already(
    http: httpx.AsyncClient, announce: Announce
) -> None:
    announce("r1", ModelInstance("example", "built-in", InstanceState.READY))
    answer = await manage(http, action="load", model_name="example")
    assert (answer.status_code, answer.json()["replicas"]) == (200, ["r1"])


async def test_model_on_its_way_is_a_409_and_an_unknown_one_a_404(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    registry.downloads.start(ORDER)
    for action in ("load", "unload", "pin", "update"):
        answer = await manage(http, action=action)
        assert (answer.status_code, answer.json()["code"]) == (409, "model_not_ready"), action
    answer = await manage(http, action="load", model_name="nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")


async def test_failed_download_is_taken_up_again(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    repo = registry.hub.repos["org/m"]
    registry.downloads.start(ORDER)
    registry.hub.repos.clear()
    registry.work()
    registry.hub.repos["org/m"] = repo
    answer = await manage(http, action="retry_download")
    assert (answer.status_code, answer.json()["status"]) == (202, "downloading")
    registry.work()
    assert (await manage(http, action="retry_download")).json()["code"] == "nothing_to_retry"


async def test_model_that_comes_with_fleetserve_is_placed_like_any_but_never_updated(
    http: httpx.AsyncClient, announce: Announce, registry: Registry
) -> None:
    announce("r1", service="audio-svc")
    query = "/models/manage?wait=true&model_name=tiny-tts&action="
    loaded = await http.post(f"{query}load")
    assert (loaded.status_code, loaded.json()["model_name"]) == (200, "tiny_tts")
    assert [verb for verb, _, _ in registry.calls.made] == ["load"]
    refused = await http.post(f"{query}update")
    assert (refused.status_code, refused.json()["code"]) == (409, "model_built_in")
