from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.supervisor.fleet_runner import RunningFleet

StartFleet = Callable[..., RunningFleet]


@pytest.fixture
def runtime_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where sockets go; its path is short, as theirs must be."""
    return tmp_path_factory.mktemp("r")


@pytest.fixture
def start_fleet(tmp_path: Path, runtime_dir: Path) -> Iterator[StartFleet]:
    """Starts fleets of tiny services; the same name is the same home."""
    started: list[RunningFleet] = []

    def start(name: str = "fleet", **environment: str) -> RunningFleet:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        started.append(RunningFleet(folder, runtime_dir, environment))
        return started[-1]

    yield start
    for fleet in started:
        fleet.end()


@pytest.fixture
def fleet(start_fleet: StartFleet) -> RunningFleet:
    """A fleet that is ready."""
    fleet = start_fleet()
    fleet.wait_until_ready()
    return fleet
