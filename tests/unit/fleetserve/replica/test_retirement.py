from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleetserve.clock import ManualClock
from fleetserve.replica.models import HandleState, Loaded, ModelHandle, ModelSpec
from fleetserve.replica.retirement import Retirement
from tests.unit.fleetserve.replica.loaders import DirectedLoader


class BrokenLoader(DirectedLoader):
    def unload(self, spec: ModelSpec, model: str) -> None:
        raise ValueError("can't be unloaded")


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.fixture
def handle() -> ModelHandle[str]:
    handle: ModelHandle[str] = ModelHandle(ModelSpec("m", "r1", "tensor", 10), ManualClock())
    handle.became_ready(Loaded("m@r1", 10), 0.0)
    return handle


async def test_an_idle_model_is_unloaded_at_once(
    thread: ThreadPoolExecutor, handle: ModelHandle[str]
) -> None:
    loader = DirectedLoader()
    retirement = Retirement(loader, thread)
    unload = retirement.enter(handle)
    assert unload is not None
    await unload
    assert loader.unloads == ["m@r1"]
    assert retirement.handles == []
    assert handle.state is HandleState.GONE


async def test_a_model_in_use_is_unloaded_by_its_last_user(
    thread: ThreadPoolExecutor, handle: ModelHandle[str]
) -> None:
    loader = DirectedLoader()
    retirement = Retirement(loader, thread)
    with handle:
        assert retirement.enter(handle) is None
        assert handle.state is HandleState.RETIRED
    await retirement.finish()
    assert loader.unloads == ["m@r1"]


async def test_an_unload_that_fails_is_over_all_the_same(
    thread: ThreadPoolExecutor, handle: ModelHandle[str]
) -> None:
    retirement = Retirement(BrokenLoader(), thread)
    retirement.enter(handle)
    await retirement.finish()
    assert retirement.handles == []
