import asyncio
from collections.abc import AsyncIterator

import pytest

from fleetserve.clock import ManualClock
from fleetserve.model_records import ModelState
from model_registry_svc.background import FETCH_AGAIN_S, RecordKeeper, fetch_at_start
from model_registry_svc.catalogue import Catalogue
from model_registry_svc.orders import DownloadOrder
from tests.redis_server import RedisServer
from tests.unit.model_registry_svc.conftest import Registry

pytestmark = pytest.mark.anyio
ENTRY = {
    "source": "huggingface",
    "model_id": "org/m",
    "task": "fill-mask",
    "description": "d",
    "size_mb": 1,
    "license": "MIT",
}


class SteppedClock(ManualClock):
    """Sleeps until the test lets it go on; tells each sleep."""

    def __init__(self) -> None:
        super().__init__(1000.0)
        self.sleeps: asyncio.Queue[float] = asyncio.Queue()
        self._go = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.put_nowait(seconds)
        await self._go.acquire()

    async def asleep(self) -> float:
        return await asyncio.wait_for(self.sleeps.get(), 10)

    def go_on(self) -> None:
        self._go.release()


@pytest.fixture
def stepped(anyio_backend: str) -> SteppedClock:
    return SteppedClock()


@pytest.fixture
async def keeper(registry: Registry, stepped: SteppedClock) -> AsyncIterator[RecordKeeper]:
    made = RecordKeeper(registry.records, registry.library, registry.queue, stepped)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_records_are_right_once_and_stay_so(
    keeper: RecordKeeper, registry: Registry, stepped: SteppedClock
) -> None:
    await stepped.asleep()
    assert keeper.kept
    registry.downloads.start(DownloadOrder("huggingface", "org/m", "m"))
    registry.work()
    registry.records.remove("m")
    stepped.go_on()
    await stepped.asleep()
    record = registry.records.find("m")
    assert record is not None
    assert record.state is ModelState.READY


async def test_download_under_way_is_left_alone_and_a_forgotten_one_is_not(
    keeper: RecordKeeper, registry: Registry, stepped: SteppedClock
) -> None:
    await stepped.asleep()
    started = registry.downloads.start(DownloadOrder("huggingface", "org/m", "m"))
    stepped.go_on()
    await stepped.asleep()
    record = registry.records.find("m")
    assert record is not None
    assert record.state is ModelState.DOWNLOADING
    registry.queue.cancel(started.download_id)
    stepped.go_on()
    await stepped.asleep()
    record = registry.records.find("m")
    assert record is not None
    assert record.state is ModelState.FAILED


async def test_records_wait_for_redis(
    registry: Registry, stepped: SteppedClock, redis_server: RedisServer
) -> None:
    redis_server.stop()
    keeper = RecordKeeper(registry.records, registry.library, registry.queue, stepped)
    task = asyncio.create_task(keeper.run())
    await stepped.asleep()
    before = keeper.kept
    redis_server.start()
    stepped.go_on()
    await stepped.asleep()
    assert (before, keeper.kept) == (False, True)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_the_catalogue_wants_at_the_start_is_ordered_until_its_source_answers(
    registry: Registry, stepped: SteppedClock, redis_server: RedisServer
) -> None:
    wanted = {"available_models": {"m": ENTRY}, "load_at_start": ["m"]}
    registry.catalogue = Catalogue.model_validate(wanted)
    redis_server.stop()
    task = asyncio.create_task(fetch_at_start(registry.downloads, registry.catalogue, stepped))
    assert await stepped.asleep() == FETCH_AGAIN_S
    redis_server.start()
    stepped.go_on()
    await asyncio.wait_for(task, 10)
    done = registry.work()
    assert done is not None
    assert done.subject == "m"


async def test_what_cannot_be_ordered_is_given_up(
    registry: Registry, stepped: SteppedClock
) -> None:
    wanted = {"available_models": {"m": {**ENTRY, "model_id": "no/such"}}, "load_at_start": ["m"]}
    catalogue = Catalogue.model_validate(wanted)
    await asyncio.wait_for(fetch_at_start(registry.downloads, catalogue, stepped), 10)
    assert registry.work() is None
