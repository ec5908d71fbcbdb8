from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleetserve.clock import ManualClock
from fleetserve.supervisor.home import FleetHome
from fleetserve.supervisor.output import OutputFile
from fleetserve.supervisor.process import Exited, Launch, ManagedProcess, Observer
from fleetserve.supervisor.restart import RestartPolicy
from fleetserve.supervisor.settings import SupervisorSettings, load_supervisor_settings
from fleetserve.supervisor.spawner.base import Command
from fleetserve.supervisor.spawner.memory import MemorySpawner


class MemoryReadiness:
    """Ready at the address in ``address`` as soon as one is there."""

    PERIOD_S = 0.05

    def __init__(self, clock: ManualClock, address: str | None = "http://127.0.0.1:1") -> None:
        self.problem = ""
        self.address = address
        self.resets = 0
        self._clock = clock

    def reset(self) -> None:
        self.resets += 1
        self.problem = "it does not listen yet"

    async def wait(self) -> str:
        while self.address is None:
            await self._clock.sleep(self.PERIOD_S)
        return self.address


@dataclass
class Diary(Observer):
    """Writes down what an observer is told."""

    ready: list[tuple[str, float]] = field(default_factory=list)
    exits: list[Exited] = field(default_factory=list)

    def on_ready(self, process: ManagedProcess, took_s: float) -> None:
        self.ready.append((process.launch.replica_id, took_s))

    def on_exit(self, process: ManagedProcess, exited: Exited) -> None:
        self.exits.append(exited)


MakeLaunch = Callable[..., Launch]
MakeSettings = Callable[..., SupervisorSettings]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start_s=1000.0)


@pytest.fixture
def spawner() -> MemorySpawner:
    return MemorySpawner()


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def readiness(clock: ManualClock) -> MemoryReadiness:
    return MemoryReadiness(clock)


@pytest.fixture
def make_launch(tmp_path: Path, readiness: MemoryReadiness) -> MakeLaunch:
    def make(
        replica_id: str = "inference-svc-1",
        *,
        restart: RestartPolicy = RestartPolicy.ALWAYS,
        labels: dict[str, str] | None = None,
        own_readiness: MemoryReadiness | None = None,
    ) -> Launch:
        return Launch(
            id=f"id-of-{replica_id}",
            service=replica_id.removesuffix("-1"),
            replica_id=replica_id,
            command=Command(("python", "-m", "service"), {}),
            readiness=own_readiness or readiness,
            output_file=OutputFile(tmp_path / "service.out"),
            grace_s=15.0,
            labels=labels or {},
            restart=restart,
        )

    return make


@pytest.fixture
def make_settings(tmp_path: Path) -> MakeSettings:
    def make(**environ: str) -> SupervisorSettings:
        base = {
            "FLEETSERVE_HOME": str(tmp_path / "home"),
            "FLEETSERVE_CONFIG": str(tmp_path / "config.yaml"),
        }
        return load_supervisor_settings(base | environ)

    return make


@pytest.fixture
def settings(make_settings: MakeSettings) -> SupervisorSettings:
    return make_settings()


@pytest.fixture
def home(settings: SupervisorSettings) -> FleetHome:
    """The folders of a home, without the lock."""
    fleet_home = FleetHome(settings, unclean=False)
    for folder in ("run", "redis", "logs", "secrets"):
        (settings.home / folder).mkdir(parents=True)
    return fleet_home
