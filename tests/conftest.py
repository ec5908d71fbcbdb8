from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer

from tests.distribution import Distribution
from tests.redis_server import RedisServer


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Distribution | None:
    """For ``--dist loadfile``, as ``make test`` has it; other ways are pytest-xdist's own."""
    return Distribution(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own, empty."""
    with RedisServer(tmp_path) as server:
        yield server
