from collections.abc import AsyncIterator

import httpx
import pytest

from fleetserve.announcements import decode_announcement
from fleetserve.app import create_app, wrap_control
from fleetserve.replica.internal import internal_router
from fleetserve.replica.pins import Pins
from fleetserve.replica.pool import ModelPool
from fleetserve.runtime import ServiceRuntime
from fleetserve.tokens import TokenSigner
from tests.unit.fleetserve.replica.loaders import DirectedLoader, left, stage


@pytest.fixture
def loader() -> DirectedLoader:
    return DirectedLoader({"a": ("r1", 40)})


@pytest.fixture
async def pool(runtime: ServiceRuntime, loader: DirectedLoader) -> AsyncIterator[ModelPool[str]]:
    pool: ModelPool[str] = ModelPool(loader, clock=runtime.clock)
    yield pool
    loader.gate.set()
    await pool.close()


@pytest.fixture
async def client(runtime: ServiceRuntime, pool: ModelPool[str]) -> AsyncIterator[httpx.AsyncClient]:
    control = create_app(runtime, title="test", routers=[internal_router])
    control.state.pool = pool
    control.state.pins = Pins(runtime.redis, runtime.keys, pool, runtime.clock)
    signer = TokenSigner(runtime.settings.secrets_dir, "gateway", runtime.clock)
    transport = httpx.ASGITransport(wrap_control(control))
    headers = {"x-fleet-token": signer.token_for("inference-svc")}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://replica", headers=headers
    ) as client:
        yield client


async def test_the_status_is_the_announcement(client: httpx.AsyncClient) -> None:
    answer = await client.get("/internal/status")
    assert decode_announcement(answer.content).replica_id == "r1"


async def test_strangers_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.put("/internal/models/a@r1", headers={"x-fleet-token": "no.1.x"})
    assert answer.status_code == 401


async def test_put_starts_a_load_and_repeats_to_the_same(
    client: httpx.AsyncClient, loader: DirectedLoader
) -> None:
    loader.gate.clear()
    first = await client.put("/internal/models/a@r1")
    second = await client.put("/internal/models/a@r1")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json() == {"success": True, "name": "a", "revision": "r1", "state": "loading"}
    loader.gate.set()
    waited = await client.put("/internal/models/a@r1?wait=true")
    assert (waited.status_code, waited.json()["state"]) == (200, "ready")
    assert (await client.put("/internal/models/a@r1")).status_code == 200
    assert loader.loads == ["a@r1"]


async def test_put_of_an_unknown_model_or_revision_is_404(client: httpx.AsyncClient) -> None:
    unknown = await client.put("/internal/models/nope@r1")
    other = await client.put("/internal/models/a@r9")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "model_not_found")
    assert (other.status_code, other.json()["code"]) == (404, "revision_not_found")


async def test_a_name_without_revision_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.put("/internal/models/a")).status_code == 404


async def test_delete_takes_a_model_away_and_repeats_to_the_same(
    client: httpx.AsyncClient, pool: ModelPool[str]
) -> None:
    handle = await pool.get("a")
    with handle:
        held = await client.delete("/internal/models/a@r1")
        assert (held.status_code, held.json()["state"]) == (202, "retired")
        again = await pool.get("a")
        leaving = await client.get("/internal/models/a@r1/leaving")
        assert (leaving.status_code, leaving.json()["state"]) == (202, "retired")
    await left(pool, "a", "r1")
    gone = await client.get("/internal/models/a@r1/leaving")
    assert (gone.status_code, gone.json()["freed_bytes"]) == (200, 40)
    assert pool.get_ready("a") is again, "asking is not taking it away"
    await pool.close()
    for _ in range(2):
        gone = await client.delete("/internal/models/a@r1")
        assert (gone.status_code, gone.json()["state"]) == (200, "gone")


async def test_a_revision_is_staged_and_its_progress_asked_for_by_repeating(
    client: httpx.AsyncClient, pool: ModelPool[str], loader: DirectedLoader
) -> None:
    await pool.get("a")
    loader.kept["a"] = ("r2",)
    loader.gate.clear()
    first = await client.put("/internal/models/a@r2?stage=true")
    assert (first.status_code, first.json()["state"]) == (202, "loading")
    loader.gate.set()
    await stage(pool, "a", "r2")
    again = await client.put("/internal/models/a@r2?stage=true")
    assert (again.status_code, again.json()["state"]) == (200, "ready")
    assert (await pool.get("a")).model == "a@r1"


async def test_delete_of_the_unused_is_refused_for_what_was_just_used(
    client: httpx.AsyncClient, pool: ModelPool[str]
) -> None:
    await pool.get("a")
    refused = await client.delete("/internal/models/a@r1?idle_s=60")
    assert (refused.status_code, refused.json()["code"]) == (409, "model_in_use")
    gone = await client.delete("/internal/models/a@r1?idle_s=0")
    assert (gone.status_code, gone.json()["freed_bytes"]) == (200, 40)


async def test_pins_are_read_anew_on_demand(client: httpx.AsyncClient) -> None:
    answer = await client.post("/internal/pins")
    # Nobody listens where this runtime's Redis should be.
    assert (answer.status_code, answer.json()) == (200, {"success": True, "read": False})
