"""A place to run replicas for each adapter of the orchestrator, with one of the fleet's own."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import docker
import docker.errors
import httpx
import pytest
import uvicorn

from autoscaler_svc.container_clone import PROJECT_LABEL, SERVICE_LABEL, TEMPLATE_LABEL
from autoscaler_svc.orchestrator.base import Orchestrator
from autoscaler_svc.orchestrator.docker import API_VERSION, DockerOrchestrator
from autoscaler_svc.orchestrator.memory import MemoryOrchestrator
from autoscaler_svc.orchestrator.process import ProcessOrchestrator
from autoscaler_svc.proxy.app import EngineProxy
from autoscaler_svc.proxy.engine.socket import SocketEngine
from autoscaler_svc.proxy.project import Project
from fleetserve.clock import ManualClock
from fleetserve.supervisor.engine import Engine
from fleetserve.supervisor.engine_api import engine_app
from fleetserve.supervisor.engine_client import EngineClient
from fleetserve.supervisor.environment import Wiring
from fleetserve.supervisor.home import FleetHome
from fleetserve.supervisor.launcher import Launcher
from fleetserve.supervisor.process import Observer
from fleetserve.supervisor.services import FLEET
from fleetserve.supervisor.settings import load_supervisor_settings
from fleetserve.supervisor.spawner.memory import MemorySpawner
from fleetserve.supervisor.specs import ProcessSpec

DOCKER_SOCKET = Path("/var/run/docker.sock")
IMAGE = "python:3.11-slim"
SERVICE = "inference-svc"


@dataclass
class World:
    """An orchestrator with one base replica of SERVICE.

    Attributes:
        again: Another orchestrator on the same engine, as after a restart.
        lose: The engine is away from now on.
    """

    orchestrator: Orchestrator
    again: Callable[[], Orchestrator]
    lose: Callable[[], Awaitable[None]]


def _has_engine() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(DOCKER_SOCKET))
        return True
    return False


@pytest.fixture(params=["memory", "process", pytest.param("docker", marks=pytest.mark.docker)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "memory":
        making = _memory()
    elif request.param == "process":
        making = _process(tmp_path)
    else:
        if not _has_engine():
            pytest.skip("no Docker Engine is here")
        making = _docker()
    async with making as world:
        yield world


@contextlib.asynccontextmanager
async def _memory() -> AsyncIterator[World]:
    memory = MemoryOrchestrator([SERVICE])
    memory.add_base(SERVICE)

    async def lose() -> None:
        memory.away = "away"

    yield World(memory, lambda: memory, lose)


@contextlib.asynccontextmanager
async def _process(folder: Path) -> AsyncIterator[World]:
    settings = load_supervisor_settings(
        {"FLEETSERVE_HOME": str(folder), "FLEETSERVE_CONFIG": str(folder / "config.yaml")}
    )
    for name in ("run", "logs", "secrets"):
        (folder / name).mkdir()
    clock = ManualClock(1000.0)
    engine = Engine(FLEET, spawner=MemorySpawner(), clock=clock, observer=Observer())
    wiring = Wiring("redis://127.0.0.1:1/0", "fleetserve", folder / "engine.sock", 2)
    engine.use(Launcher(settings, FleetHome(settings, unclean=False), wiring, clock))
    engine.create(ProcessSpec(SERVICE, replica_id=f"{SERVICE}-1"))
    open_ones: list[Orchestrator] = []

    def make() -> Orchestrator:
        client = EngineClient(Path("memory"), transport=httpx.ASGITransport(engine_app(engine)))
        open_ones.append(ProcessOrchestrator(client, [SERVICE]))
        return open_ones[-1]

    away = ProcessOrchestrator(EngineClient(folder / "nobody.sock"), [SERVICE])
    world = World(make(), make, lambda: asyncio.sleep(0))

    async def lose() -> None:
        world.orchestrator = away

    world.lose = lose
    try:
        yield world
    finally:
        for orchestrator in (*open_ones, away):
            await orchestrator.close()
        for process in engine.list():
            await process.stop(0)


@contextlib.asynccontextmanager
async def _docker() -> AsyncIterator[World]:
    with _project() as name:
        engine = SocketEngine(DOCKER_SOCKET)
        config = uvicorn.Config(
            EngineProxy(engine, Project(engine, name)), lifespan="off", log_config=None, ws="none"
        )
        server = uvicorn.Server(config)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            serving = asyncio.create_task(server._serve([listener]))
            open_ones = [DockerOrchestrator(url)]

            def again() -> Orchestrator:
                open_ones.append(DockerOrchestrator(url))
                return open_ones[-1]

            async def lose() -> None:
                server.should_exit = True
                await serving

            try:
                yield World(open_ones[0], again, lose)
            finally:
                await asyncio.gather(*(orchestrator.close() for orchestrator in open_ones))
                await lose()


@contextlib.contextmanager
def _project() -> Iterator[str]:
    """A network, a volume and a container, labelled and set up as compose does."""
    client = docker.APIClient(base_url=f"unix:/{DOCKER_SOCKET}", version=API_VERSION)
    name = f"fleettest{token_hex(4)}"
    labels = {PROJECT_LABEL: name}
    try:
        client.create_network(f"{name}_fleet", driver="bridge", internal=True, labels=labels)
        client.create_volume(f"{name}_models", labels=labels)
        container = client.create_container_from_config(_base(name), f"{name}-{SERVICE}-1")
        client.start(container["Id"])
        yield name
    finally:
        mine = {"label": f"{PROJECT_LABEL}={name}"}
        for container in client.containers(all=True, filters=mine):
            client.remove_container(container["Id"], force=True)
        for network in client.networks(filters=mine):
            client.remove_network(network["Id"])
        for volume in client.volumes(filters=mine)["Volumes"] or ():
            client.remove_volume(volume["Name"])
        client.close()


def _base(project: str) -> dict[str, Any]:
    compose = "com.docker.compose."
    return {
        "Image": IMAGE,
        "Entrypoint": ["sleep", "3600"],
        "User": "65534",
        "Env": ["TORCH_THREADS", "MODE=a=b"],
        "StopTimeout": 20,
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 60_000_000_000, "Retries": 2},
        "Labels": {
            PROJECT_LABEL: project,
            f"{compose}service": SERVICE,
            f"{compose}container-number": "1",
            f"{compose}oneoff": "False",
            f"{compose}config-hash": "abc",
            f"{compose}project.working_dir": "/somewhere",
            SERVICE_LABEL: SERVICE,
            TEMPLATE_LABEL: "inference-replica",
        },
        "HostConfig": {
            "NetworkMode": f"{project}_fleet",
            "Init": True,
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "PidsLimit": 64,
            "Tmpfs": {"/tmp": "size=16m"},
            "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
            "LogConfig": {"Type": "local", "Config": {"max-size": "1m"}},
            "Mounts": [
                {
                    "Type": "volume",
                    "Source": f"{project}_models",
                    "Target": "/models",
                    "ReadOnly": True,
                    "VolumeOptions": {},
                }
            ],
        },
        "NetworkingConfig": {"EndpointsConfig": {f"{project}_fleet": {"Aliases": [SERVICE]}}},
    }
