from collections.abc import Callable

import pytest

from fleetserve.clock import ManualClock
from fleetserve.replica.loader_thread import LoaderThread
from fleetserve.replica.models import HandleState, Loaded, ModelHandle, ModelSpec
from fleetserve.replica.retirement import NOTABLE_BYTES, Retirement
from tests.unit.fleetserve.replica.loaders import DirectedLoader


class BrokenLoader(DirectedLoader):
    def unload(self, spec: ModelSpec, model: str) -> None:
        raise ValueError("can't be unloaded")


def nobody(_: int) -> None:
    """Does not want to know."""


def retiring(loader: DirectedLoader, on_lost: Callable[[int], None] = nobody) -> Retirement[str]:
    return Retirement(LoaderThread(loader, ManualClock()), on_lost)


@pytest.fixture
def handle() -> ModelHandle[str]:
    handle: ModelHandle[str] = ModelHandle(ModelSpec("m", "r1", "tensor", 10), ManualClock())
    handle.became_ready(Loaded("m@r1", 10), 0.0)
    return handle


async def test_an_idle_model_is_unloaded_at_once(
    handle: ModelHandle[str],
) -> None:
    loader = DirectedLoader()
    retirement = retiring(loader)
    unload = retirement.enter(handle)
    assert unload is not None
    await unload
    assert loader.unloads == ["m@r1"]
    assert retirement.handles == []
    assert handle.state is HandleState.GONE


async def test_a_model_in_use_is_unloaded_by_its_last_user(
    handle: ModelHandle[str],
) -> None:
    loader = DirectedLoader()
    retirement = retiring(loader)
    with handle:
        assert retirement.enter(handle) is None
        assert handle.state is HandleState.RETIRED
    await retirement.finish()
    assert loader.unloads == ["m@r1"]


async def test_an_unload_that_fails_is_over_all_the_same(
    handle: ModelHandle[str],
) -> None:
    retirement = retiring(BrokenLoader())
    retirement.enter(handle)
    await retirement.finish()
    assert retirement.handles == []


def large_one() -> ModelHandle[str]:
    spec = ModelSpec("m", "r1", "tensor", NOTABLE_BYTES)
    handle: ModelHandle[str] = ModelHandle(spec, ManualClock())
    handle.became_ready(Loaded("m@r1", NOTABLE_BYTES), 0.0)
    handle.taken_bytes = 2 * NOTABLE_BYTES
    return handle


async def test_what_a_model_gives_back_is_measured() -> None:
    loader, lost = DirectedLoader(held=NOTABLE_BYTES + 7), list[int]()
    retirement = retiring(loader, lost.append)
    retirement.enter(large_one())
    await retirement.finish()
    assert retirement.freed_bytes == {"m@r1": NOTABLE_BYTES}
    assert lost == []


async def test_what_models_keep_is_added_up() -> None:
    loader, lost = DirectedLoader(held=NOTABLE_BYTES, leaks=True), list[int]()
    retirement = retiring(loader, lost.append)
    for _ in range(2):
        retirement.enter(large_one())
        await retirement.finish()
    assert lost == [NOTABLE_BYTES, 2 * NOTABLE_BYTES]


async def test_model_whose_file_was_hardly_read_owes_little() -> None:
    lost = list[int]()
    handle = large_one()
    handle.taken_bytes = NOTABLE_BYTES // 2
    retirement = retiring(DirectedLoader(leaks=True), lost.append)
    retirement.enter(handle)
    await retirement.finish()
    assert lost == []


async def test_small_models_prove_nothing(
    handle: ModelHandle[str],
) -> None:
    lost = list[int]()
    retirement = retiring(DirectedLoader(leaks=True), lost.append)
    retirement.enter(handle)
    await retirement.finish()
    assert lost == []
