"""The fleet of containers that the tests of this folder share. They run by `make test-docker`."""

from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.checkpoints.hub_root import write_hub_root
from tests.e2e.compose_fleet import ComposeFleet
from tests.hub.minilm import make_minilm


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `-m docker`, what needs an engine is left out."""
    if "docker" in config.option.markexpr:
        return
    needing = [item for item in items if item.get_closest_marker("docker")]
    config.hook.pytest_deselected(items=needing)
    items[:] = [item for item in items if item not in needing]


@pytest.fixture(scope="session")
def hub_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small checkpoints and the real MiniLM under their public names."""
    root = tmp_path_factory.mktemp("hub")
    write_hub_root(root)
    make_minilm(root)
    return root


@pytest.fixture(scope="session")
def fleet(hub_root: Path) -> Iterator[ComposeFleet]:
    """One fleet for the whole run: leave it healthy, with more models at most."""
    fleet = ComposeFleet(hub_root)
    try:
        fleet.build()
        fleet.up()
        yield fleet
    finally:
        fleet.discard()


@pytest.fixture
def own_fleet(fleet: ComposeFleet, hub_root: Path) -> Iterator[ComposeFleet]:
    """A fleet of this test's own, not started, of the same images, for what ends it."""
    own = ComposeFleet(hub_root)
    try:
        yield own
    finally:
        own.discard()


@pytest.fixture
async def client(fleet: ComposeFleet, anyio_backend: str) -> AsyncIterator[httpx.AsyncClient]:
    async with fleet.client() as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows what the fleet said beside a failure."""
    report = yield
    used = getattr(item, "funcargs", {})
    fleet = used.get("own_fleet") or used.get("fleet")
    if report.failed and call.when == "call" and isinstance(fleet, ComposeFleet):
        report.sections.append(("the containers", fleet.account()))
    return report
