"""POST /models/manage on a running fleet, with the real MiniLM under several names."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest

from tests.hub.faults import Fault, FaultKind
from tests.hub.minilm import minilm_folder
from tests.hub.repo import HubRepo
from tests.hub.server import HubServer
from tests.integration.fleet import Fleet
from tests.integration.load import loaded
from tests.integration.model_registry_svc.stack import wait_for

REPO = "fleetserve-tests/renewed"
WEIGHTS = "model.safetensors"
TEXT = "How do you do?"
# MiniLM takes 87 MiB: there is room for two of them.
MEMORY_MIB = "200"
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def repo(hub: HubServer) -> HubRepo:
    return hub.add(HubRepo(REPO, folder=minilm_folder(), pipeline_tag="sentence-similarity"))


@pytest.fixture(scope="module")
def small_fleet(
    tmp_path_factory: pytest.TempPathFactory, hub: HubServer, repo: HubRepo
) -> Iterator[Fleet]:
    """One for the module, whose replica has little memory."""
    environment = {"HF_ENDPOINT": hub.url, "FLEETSERVE_INFERENCE__MEMORY_MIB": MEMORY_MIB}
    with Fleet(tmp_path_factory.mktemp("small"), environment).running() as fleet:
        yield fleet


class Models:
    """What the tests do with models, through the gateway."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def have(self, *names: str) -> None:
        """They are on the disk, and nothing is loaded or pinned."""
        for model in (await self.client.get("/models/managed")).json()["downloaded_models"]:
            if model["name"] != "example":
                await self.manage("unpin", model["name"], keep_alive=None)
                await self.manage("unload", model["name"])
        for name in names:
            body = {"source": "huggingface", "model_id": REPO, "name": name}
            answer = await self.client.post(
                "/models/download", json={**body, "wait": True, "load": False}
            )
            assert answer.is_success, answer.text

    async def manage(self, action: str, name: str, **more: Any) -> dict[str, Any]:
        answer = await self.ask(action, name, **more)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def ask(self, action: str, name: str, **more: Any) -> httpx.Response:
        body = {"action": action, "model_name": name, "wait": True, **more}
        return await self.client.post("/models/manage", json=body)

    async def managed(self, name: str) -> dict[str, Any]:
        told = (await self.client.get("/models/managed")).json()["downloaded_models"]
        found: dict[str, Any] = next(model for model in told if model["name"] == name)
        return found

    async def predict(self, name: str) -> dict[str, Any]:
        answer = await self.client.post("/predict", json={"model_name": name, "inputs": TEXT})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def until(self, name: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The model as /models/managed shows it, once it is so."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + DEADLINE_S
        while not is_so(told := await self.managed(name)):
            assert loop.time() < end_s, told
            await asyncio.sleep(0.2)
        return told


@pytest.fixture
async def models(small_fleet: Fleet, anyio_backend: str) -> AsyncIterator[Models]:
    async with small_fleet.client() as client:
        yield Models(client)


async def test_model_is_loaded_on_a_replica_and_taken_from_it(models: Models) -> None:
    await models.have("a")
    loaded = await models.manage("load", "a")
    assert (loaded["status"], len(loaded["replicas"])) == ("loaded", 1)
    here = await models.until("a", lambda m: m["loaded"])
    assert here["replicas"] == loaded["replicas"]
    assert 80 < here["memory_usage"]["allocated_mb"] < 100
    assert here["parameters"] == 22_713_216
    assert here["last_used"] is None
    await models.predict("a")
    assert (await models.until("a", lambda m: m["last_used"]))["loaded"]
    gone = await models.manage("unload", "a")
    assert (gone["status"], gone["replicas"]) == ("unloaded", loaded["replicas"])
    # Of the vocabulary's 24 MB only what was looked up is in memory.
    assert gone["memory_freed_mb"] > 40
    left = await models.until("a", lambda m: not m["loaded"])
    assert (left["replicas"], left["memory_usage"]["allocated_mb"]) == ([], 0.0)


async def test_unload_lets_what_is_in_flight_finish(models: Models, small_fleet: Fleet) -> None:
    await models.have("a")
    await models.manage("load", "a")
    body = orjson.dumps({"model_name": "a", "inputs": TEXT})
    async with loaded(f"{small_fleet.url}/predict", body, 4) as busy:
        await asyncio.sleep(1)
        assert (await models.manage("unload", "a"))["status"] == "unloaded"
        # Those that come now have it loaded again.
        await models.until("a", lambda m: m["loaded"])
    tally = busy.result()
    assert tally.failures == {}
    assert tally.latencies_s


async def test_pinned_model_survives_what_wants_its_room_and_a_restart(
    models: Models, small_fleet: Fleet
) -> None:
    await models.have("a", "b", "c")
    pinned = await models.manage("pin", "a")
    assert (pinned["status"], pinned["pinned"]) == ("pinned", True)
    await models.manage("load", "b")
    await models.predict("b")
    # The longest unused of the two is the pinned one.
    await models.manage("load", "c")
    await models.until("b", lambda m: not m["loaded"])
    told = await models.until("a", lambda m: m["loaded"])
    assert (told["pinned"], (await models.managed("c"))["loaded"]) == (True, True)
    info = (await models.client.get("/models")).json()["model_info"]
    assert (info["a"]["pinned"], info["b"]["pinned"]) == (True, False)
    refused = await models.ask("unload", "a")
    assert (refused.status_code, refused.json()["code"]) == (409, "model_pinned")
    small_fleet.stop()
    small_fleet.start()
    async with small_fleet.client() as client:
        again = Models(client)
        assert (await again.until("a", lambda m: m["loaded"]))["pinned"]
        assert (await again.manage("unpin", "a"))["pinned"] is False


async def test_what_does_not_fit_beside_what_is_pinned_is_a_507(models: Models) -> None:
    await models.have("a", "b", "c")
    for name in ("a", "b"):
        await models.manage("pin", name)
    refused = await models.ask("load", "c")
    assert (refused.status_code, refused.json()["code"]) == (507, "does_not_fit")
    assert "would fit" in refused.json()["detail"]


async def test_model_leaves_once_it_was_unused_for_its_keep_alive(models: Models) -> None:
    await models.have("a", "b")
    for name in ("a", "b"):
        await models.manage("load", name, keep_alive=2 if name == "a" else -1)
        await models.predict(name)
    left = await models.until("a", lambda m: not m["loaded"])
    assert left["keep_alive"] == 2.0
    assert (await models.managed("b"))["loaded"]
    assert (await models.manage("load", "a", keep_alive=0))["keep_alive"] == 0.0
    await asyncio.sleep(3)
    assert (await models.managed("a"))["loaded"], "it was not used yet"
    await models.predict("a")
    await models.until("a", lambda m: not m["loaded"])
    unset = await models.client.post("/models/manage", json={"model_name": "a", "keep_alive": None})
    assert (unset.json()["status"], unset.json()["keep_alive"]) == ("recorded", None)


async def test_update_and_rollback_switch_under_load_without_a_failure(
    models: Models, small_fleet: Fleet, repo: HubRepo
) -> None:
    await models.have("a")
    await models.manage("load", "a")
    before = (await models.predict("a"))["model_info"]["revision"]
    assert (await models.manage("update", "a"))["status"] == "up_to_date"
    newest = repo.push({"notes.txt": b"newer"})
    body = orjson.dumps({"model_name": "a", "inputs": TEXT})
    async with loaded(f"{small_fleet.url}/predict", body, 8) as busy:
        updated = await models.manage("update", "a")
        assert (updated["status"], updated["revision"], updated["previous_revision"]) == (
            "updated",
            newest,
            before,
        )
        assert len(updated["replicas"]) == 1
        assert (await models.predict("a"))["model_info"]["revision"] == newest
        back = await models.manage("rollback", "a")
        assert (back["status"], back["revision"], back["previous_revision"]) == (
            "rolled_back",
            before,
            newest,
        )
        assert (await models.predict("a"))["model_info"]["revision"] == before
    tally = busy.result()
    assert tally.failures == {}
    assert len(tally.latencies_s) > 50


async def test_revision_that_does_not_load_leaves_the_old_one_serving(
    models: Models, repo: HubRepo
) -> None:
    await models.have("a")
    await models.manage("load", "a")
    before = (await models.predict("a"))["model_info"]["revision"]
    repo.push({"config.json": b"{}"})
    refused = await models.ask("update", "a")
    assert (refused.status_code, refused.json()["code"]) == (502, "model_load_failed")
    assert (await models.predict("a"))["model_info"]["revision"] == before
    repo.push({"config.json": minilm_folder() / "config.json"})


async def test_failed_download_is_taken_up_from_the_bytes_it_had(
    models: Models, hub: HubServer
) -> None:
    hub.log.clear()
    hub.fail(Fault(kind=FaultKind.CUT, path=WEIGHTS, where="cdn", after_bytes=40_000_000))
    body = {"source": "huggingface", "model_id": REPO, "name": "d", "load": False}
    begun = await models.client.post("/models/download", json=body)
    await asyncio.to_thread(wait_for, lambda: hub.log.bytes_sent(WEIGHTS) >= 40_000_000, 30.0)
    # It would be tried again in a moment; a refusal is final.
    hub.fail(Fault(kind=FaultKind.STATUS, path=WEIGHTS, status=403, times=None))
    follow = f"/models/download/status/{begun.json()['download_id']}"
    while (told := (await models.client.get(follow)).json())["status"] != "failed":
        assert told["status"] != "completed"
        await asyncio.sleep(0.05)
    hub.faults.clear()
    retried = await models.manage("retry_download", "d")
    assert retried["status"] == "completed"
    assert hub.log.bytes_sent_twice(WEIGHTS) == 0
    nothing = await models.ask("retry_download", "d")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_retry")


async def test_model_that_nobody_has_is_a_404(models: Models) -> None:
    for action in ("load", "unload", "pin", "update", "rollback", "retry_download"):
        answer = await models.ask(action, "nobody")
        assert (answer.status_code, answer.json()["code"]) == (404, "model_not_found")
