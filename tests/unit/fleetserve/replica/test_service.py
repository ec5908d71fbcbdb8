import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI

from fleetserve.announcements import InstanceState, ReplicaState
from fleetserve.app import create_app
from fleetserve.replica.data_plane import DataPlane
from fleetserve.replica.exchange import Answer, ReplicaRequest
from fleetserve.replica.internal import internal_router
from fleetserve.replica.service import LOST_BYTES, Replica
from fleetserve.runtime import ServiceRuntime
from fleetserve.tokens import TokenSigner
from tests.unit.fleetserve.replica.loaders import DirectedLoader, stage

WAIT_S = 10.0


@pytest.fixture
def loader() -> DirectedLoader:
    return DirectedLoader({"a": ("r1", 40)})


class Ending:
    def __init__(self) -> None:
        self.status = 0
        self.told = asyncio.Event()

    def end(self, status: int) -> None:
        self.status = status
        self.told.set()


@pytest.fixture
def ending() -> Ending:
    return Ending()


@pytest.fixture
def replica(runtime: ServiceRuntime, loader: DirectedLoader, ending: Ending) -> Replica[str]:
    return Replica(
        runtime,
        lambda _: loader,
        preload=["a"],
        versions={"torch": "2"},
        end=ending.end,
    )


async def handle(request: ReplicaRequest) -> Answer:
    return Answer(b"answer to " + request.body)


@pytest.fixture
def control(runtime: ServiceRuntime) -> FastAPI:
    return create_app(runtime, title="test", routers=[internal_router])


@pytest.fixture
def plane(replica: Replica[str], control: FastAPI) -> DataPlane:
    return replica.data_plane({"/predict": handle}, control, default_timeout_s=30.0)


@asynccontextmanager
async def running(control: FastAPI) -> AsyncIterator[None]:
    async with asyncio.timeout(WAIT_S), control.router.lifespan_context(control):
        yield


@pytest.fixture
async def client(plane: DataPlane, runtime: ServiceRuntime) -> AsyncIterator[httpx.AsyncClient]:
    signer = TokenSigner(runtime.settings.secrets_dir, "gateway", runtime.clock)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(plane),
        base_url="http://replica",
        headers={"x-fleet-token": signer.token_for("inference-svc")},
    ) as client:
        yield client


async def test_it_is_ready_once_its_models_are_and_says_so(
    replica: Replica[str],
    runtime: ServiceRuntime,
    loader: DirectedLoader,
    control: FastAPI,
    plane: DataPlane,
) -> None:
    loader.gate.clear()
    async with running(control):
        assert runtime.state is ReplicaState.STARTING
        loader.gate.set()
        await replica.started.wait()
        said = runtime.announcement()
        assert (said.device, said.capacity, said.versions) == ("cpu", 512, {"torch": "2"})
        assert [(m.name, m.revision, m.state) for m in said.models] == [
            ("a", "r1", InstanceState.READY)
        ]
        assert said.models[0].bytes == 40
    assert loader.unloads == ["a@r1"]


async def test_data_and_control_are_served_beside_each_other(
    client: httpx.AsyncClient, replica: Replica[str], control: FastAPI
) -> None:
    async with running(control):
        await replica.started.wait()
        answer = await client.post("/predict", content=b"x")
        status = await client.get("/internal/status")
        health = await client.get("/health/ready")
        metrics = await client.get("/metrics")
    assert answer.content == b"answer to x"
    assert status.json()["state"] == "ready"
    assert health.status_code == 200
    assert 'route="/predict"' in metrics.text


async def test_strangers_get_nothing_but_health(
    client: httpx.AsyncClient, control: FastAPI
) -> None:
    async with running(control):
        headers = {"x-fleet-token": ""}
        assert (await client.post("/predict", headers=headers)).status_code == 401
        assert (await client.get("/internal/status", headers=headers)).status_code == 401
        assert (await client.get("/health/live", headers=headers)).status_code == 200


async def test_a_replica_that_can_not_start_ends_with_the_reason(
    loader: DirectedLoader, control: FastAPI, plane: DataPlane, ending: Ending
) -> None:
    loader.failure = ValueError("no such device")
    async with running(control):
        await ending.told.wait()
    assert ending.status == 1


async def test_a_stuck_replica_is_not_live_and_sheds(
    replica: Replica[str],
    client: httpx.AsyncClient,
    runtime: ServiceRuntime,
    control: FastAPI,
) -> None:
    async with running(control):
        await replica.started.wait()
        replica.slot.poison("illegal memory access")
        live = await client.get("/health/live")
        assert live.status_code == 503
        assert runtime.state is not ReplicaState.READY
        replica._refuse("poisoned")
        shed = await client.post("/predict", content=b"x")
        assert (shed.status_code, shed.headers["x-fleet-shed"]) == (503, "1")


async def test_its_models_stand_on_its_dashboard(
    client: httpx.AsyncClient, replica: Replica[str], control: FastAPI
) -> None:
    async with running(control):
        await replica.started.wait()
        shown = (await client.get("/dashboard-data")).json()
    assert [table["title"] for table in shown["tables"]] == ["Models here"]


async def test_what_makes_later_loads_quicker_comes_after_being_ready(
    runtime: ServiceRuntime, loader: DirectedLoader, ending: Ending
) -> None:
    told: list[tuple[ReplicaState, str]] = []
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def after_ready() -> None:
        told.append((runtime.state, threading.current_thread().name))
        loop.call_soon_threadsafe(done.set)

    Replica(runtime, lambda _: loader, preload=["a"], after_ready=after_ready, end=ending.end)
    async with running(create_app(runtime, title="test")):
        await done.wait()
    assert told == [(ReplicaState.READY, "loader_0")]


async def test_its_announcement_tells_use_and_that_a_staged_revision_does_not_serve(
    replica: Replica[str],
    runtime: ServiceRuntime,
    loader: DirectedLoader,
    control: FastAPI,
    plane: DataPlane,
) -> None:
    loader.kept["a"] = ("r2",)
    async with running(control):
        await replica.started.wait()
        await stage(replica.pool, "a", "r2")
        with await replica.pool.get("a"):
            said = runtime.announcement().models
    assert [(m.revision, m.state, m.in_use, m.uses) for m in said] == [
        ("r2", InstanceState.LOADING, 0, 0),
        ("r1", InstanceState.READY, 1, 1),
    ]
    assert said[1].last_used_s_ago == 0.0


@pytest.mark.parametrize(("lost_bytes", "leaves"), [(LOST_BYTES - 1, False), (LOST_BYTES, True)])
async def test_it_leaves_once_too_much_was_not_given_back(
    runtime: ServiceRuntime, loader: DirectedLoader, lost_bytes: int, leaves: bool
) -> None:
    left: list[bool] = []
    replica = Replica(runtime, lambda _: loader, leave=lambda: left.append(True))
    loader.published["big"] = ("r1", lost_bytes)
    loader.leaks = True
    await replica.pool.get("big")
    await replica.pool.remove("big")
    assert bool(left) is leaves
    assert runtime.metrics.gauges["lost_mb"] == pytest.approx(lost_bytes / 2**20, abs=0.1)
    await replica.pool.close()
