from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleetserve.clock import ManualClock
from fleetserve.replica.models import HandleState, Loaded, ModelHandle, ModelSpec
from fleetserve.replica.retirement import NOTABLE_BYTES, Retirement
from tests.unit.fleetserve.replica.loaders import DirectedLoader


class BrokenLoader(DirectedLoader):
    def unload(self, spec: ModelSpec, model: str) -> None:
        raise ValueError("can't be unloaded")


def nobody(_: int) -> None:
    """Does not want to know."""


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
    retirement = Retirement(loader, thread, nobody)
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
    retirement = Retirement(loader, thread, nobody)
    with handle:
        assert retirement.enter(handle) is None
        assert handle.state is HandleState.RETIRED
    await retirement.finish()
    assert loader.unloads == ["m@r1"]


async def test_an_unload_that_fails_is_over_all_the_same(
    thread: ThreadPoolExecutor, handle: ModelHandle[str]
) -> None:
    retirement = Retirement(BrokenLoader(), thread, nobody)
    retirement.enter(handle)
    await retirement.finish()
    assert retirement.handles == []


def large_one() -> ModelHandle[str]:
    spec = ModelSpec("m", "r1", "tensor", NOTABLE_BYTES)
    handle: ModelHandle[str] = ModelHandle(spec, ManualClock())
    handle.became_ready(Loaded("m@r1", NOTABLE_BYTES), 0.0)
    handle.taken_bytes = 2 * NOTABLE_BYTES
    return handle


async def test_what_a_model_gives_back_is_measured(thread: ThreadPoolExecutor) -> None:
    loader, lost = DirectedLoader(held=NOTABLE_BYTES + 7), list[int]()
    retirement = Retirement(loader, thread, lost.append)
    retirement.enter(large_one())
    await retirement.finish()
    assert retirement.freed_bytes == {"m@r1": NOTABLE_BYTES}
    assert lost == []


async def test_what_models_keep_is_added_up(thread: ThreadPoolExecutor) -> None:
    loader, lost = DirectedLoader(held=NOTABLE_BYTES, leaks=True), list[int]()
    retirement = Retirement(loader, thread, lost.append)
    for _ in range(2):
        retirement.enter(large_one())
        await retirement.finish()
    assert lost == [NOTABLE_BYTES, 2 * NOTABLE_BYTES]


async def test_model_whose_file_was_hardly_read_owes_little(thread: ThreadPoolExecutor) -> None:
    lost = list[int]()
    handle = large_one()
    handle.taken_bytes = NOTABLE_BYTES // 2
    retirement = Retirement(DirectedLoader(leaks=True), thread, lost.append)
    retirement.enter(handle)
    await retirement.finish()
    assert lost == []


async def test_small_models_prove_nothing(
    thread: ThreadPoolExecutor, handle: ModelHandle[str]
) -> None:
    lost = list[int]()
    retirement = Retirement(DirectedLoader(leaks=True), thread, lost.append)
    retirement.enter(handle)
    await retirement.finish()
    assert lost == []
