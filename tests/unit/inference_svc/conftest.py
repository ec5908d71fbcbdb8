from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog

from fleetserve.clock import SystemClock
from fleetserve.replica.pool import ModelPool
from fleetserve.replica.slot import ComputeSlot
from inference_svc.engine.base import ModelEngine
from inference_svc.engine.example import ExampleEngine
from inference_svc.engine.memory import MemoryEngine
from inference_svc.generation.memory import MemoryGenerator
from inference_svc.prediction import Predictor
from inference_svc.served import Served
from inference_svc.texts.access import Generators
from inference_svc.texts.writer import TextWriter
from tests.unit.inference_svc.serving import EngineLoader


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Failures that tests provoke are logged; unconfigured, structlog draws each for 0.1 s."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def slot() -> Iterator[ComputeSlot]:
    slot = ComputeSlot("cpu", SystemClock())
    slot.start()
    yield slot
    slot.stop()


@pytest.fixture
def engine() -> MemoryEngine:
    """The engine of the model ``lengths``."""
    return MemoryEngine(poison=frozenset({"poison"}))


@pytest.fixture
def generator() -> MemoryGenerator:
    """The generator of the model ``echo``."""
    return MemoryGenerator()


@pytest.fixture
async def pool(
    slot: ComputeSlot, engine: MemoryEngine, generator: MemoryGenerator
) -> AsyncIterator[ModelPool[Served]]:
    """Knows ``lengths`` (text), ``example`` (vectors) and ``echo``, which writes."""
    clock = SystemClock()
    engines: dict[str, Callable[[], ModelEngine]] = {
        "lengths": lambda: engine,
        "example": lambda: ExampleEngine("cpu"),
    }
    loader = EngineLoader(slot, clock, engines, {"echo": generator})
    pool: ModelPool[Served] = ModelPool(loader, clock=clock)
    yield pool
    await pool.close()


@pytest.fixture
def predictor(pool: ModelPool[Served]) -> Iterator[Predictor]:
    with ThreadPoolExecutor(1, thread_name_prefix="prepare") as heavy:
        yield Predictor(pool, SystemClock(), heavy)


@pytest.fixture
def writer(pool: ModelPool[Served]) -> Iterator[TextWriter]:
    with ThreadPoolExecutor(1, thread_name_prefix="prepare") as heavy:
        yield TextWriter(Generators(pool), SystemClock(), heavy)
