import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import ConflictError, InvalidFieldError, NotFoundError, UnavailableError
from fleetserve.replica.models import Loaded, ModelSpec
from fleetserve.replica.pool import ModelPool
from fleetserve.replica.slot import ComputeSlot
from inference_svc.batcher import ServedModel
from inference_svc.engine.base import ModelEngine, finish
from inference_svc.engine.memory import MemoryEngine
from inference_svc.optimization.chains import Bench
from inference_svc.optimization.measuring import Limits
from inference_svc.optimization.optimizer import Optimizer
from inference_svc.optimization.runs import RunState, Wish
from inference_svc.optimization.store.memory import MemoryTuningStore
from inference_svc.optimization.technique.memory import MemoryTechnique
from inference_svc.optimization.techniques import all_techniques
from inference_svc.optimization.tolerance import Tolerance
from inference_svc.optimization.tuner import Tuner
from inference_svc.served import Served
from tests.unit.inference_svc.optimization.tiny import TinyEngine
from tests.unit.inference_svc.serving import EngineLoader

LAX = Tolerance(min_cosine=0.9, min_overlap=0.1)
HALF = Wish(("bf16",), LAX)


class TuningLoader(EngineLoader):
    """Follows the store, as the real one follows the file that the registry writes."""

    def __init__(self, slot: ComputeSlot, store: MemoryTuningStore, bench: Bench) -> None:
        clock = SystemClock()
        kinds: dict[str, Any] = {"tiny": TinyEngine, "lengths": MemoryEngine}
        super().__init__(slot, clock, kinds)
        self._store = store
        self._tuner = Tuner(bench, all_techniques())

    def find(self, name: str, revision: str | None = None) -> ModelSpec:
        tuning = next(iter(self._store.kept.get(name, {}).values()), None)
        return replace(super().find(name), tuning=tuning)

    def load(self, spec: ModelSpec) -> Loaded[Served]:
        loaded = super().load(spec)
        if spec.tuning is None or not isinstance(loaded.model, ServedModel):
            return loaded
        engine = loaded.model.engine
        tuned = self._tuner.apply(engine, loaded.bytes, spec.tuning, spec.name)
        served = ServedModel(tuned.engine, loaded.model.batcher)
        return Loaded(served, tuned.bytes, tuned.engine.info.dtype, tuned.applied)


@pytest.fixture
def store() -> MemoryTuningStore:
    return MemoryTuningStore("tiny", "lengths")


@pytest.fixture
async def tuned_pool(
    slot: ComputeSlot, store: MemoryTuningStore, bench: Bench
) -> AsyncIterator[ModelPool[Served]]:
    pool: ModelPool[Served] = ModelPool(TuningLoader(slot, store, bench), clock=SystemClock())
    yield pool
    await pool.close()


@pytest.fixture
def gate() -> threading.Event:
    """Lets the technique ``slow`` go on."""
    return threading.Event()


@pytest.fixture
async def optimizer(
    tuned_pool: ModelPool[Served],
    slot: ComputeSlot,
    store: MemoryTuningStore,
    bench: Bench,
    gate: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Optimizer]:
    # So that whatever is exact enough is chosen: this is about what follows the decision.
    monkeypatch.setattr("inference_svc.optimization.measuring._GAIN", 0.0)

    def plain(handle: Any) -> ModelEngine:
        engine = TinyEngine()
        engine.load()
        return engine

    def wait(module: Any) -> Any:
        gate.wait(10)
        return module

    optimizer = Optimizer(
        tuned_pool,
        slot,
        SystemClock(),
        store,
        bench=lambda: bench,
        techniques={**all_techniques(), "slow": MemoryTechnique("slow", around=wait)},
        limits=Limits(1, 512, 32),
        plain=plain,
        start_tokens={"cpu": 256},
    )
    yield optimizer
    gate.set()
    await optimizer.close()


async def test_model_is_measured_kept_and_served_as_decided(
    optimizer: Optimizer, tuned_pool: ModelPool[Served], store: MemoryTuningStore
) -> None:
    await optimizer.start("tiny", "r1", HALF)
    run = await optimizer.find("tiny", 60.0)
    assert (run.state, run.error) == (RunState.DONE, "")
    (kept,) = store.kept["tiny"].values()
    assert run.tuning == kept
    assert kept.candidate == "bf16"
    handle = tuned_pool.get_ready("tiny")
    assert handle is not None
    assert (handle.dtype, handle.tuning.split(", ")[0]) == ("bfloat16", "bf16")
    assert run.memory_freed_bytes == 4096 - handle.bytes > 0


async def test_one_that_is_tuned_already_is_measured_from_float32_again(
    optimizer: Optimizer, tuned_pool: ModelPool[Served]
) -> None:
    for wish in (HALF, Wish(("fp16", "bf16"), LAX)):
        await optimizer.start("tiny", "r1", wish)
        run = await optimizer.find("tiny", 60.0)
        assert run.state is RunState.DONE
    row = next(row for row in run.measurements if row.candidate == "bf16")
    assert row.max_error is not None
    assert row.max_error > 0


async def test_requests_are_served_while_it_goes_on(
    optimizer: Optimizer, tuned_pool: ModelPool[Served], slot: ComputeSlot
) -> None:
    await optimizer.start("tiny", "r1", Wish(("slow",)))
    handle = await tuned_pool.get("tiny")
    with handle as served:
        assert isinstance(served, ServedModel)
        engine = served.engine
        prepared = engine.prepare("a", None)
        result = await asyncio.wrap_future(
            slot.call(lambda: finish(engine.predict_batch([prepared])))
        )
    assert len(result) == 1
    assert not (await optimizer.find("tiny")).state.finished


async def test_asking_again_joins_and_asking_otherwise_is_a_conflict(optimizer: Optimizer) -> None:
    first = await optimizer.start("tiny", "r1", Wish(("slow",)))
    assert await optimizer.start("tiny", "r1", Wish(("slow",))) is first
    with pytest.raises(ConflictError, match="DELETE"):
        await optimizer.start("tiny", "r1", HALF)


async def test_one_that_is_stopped_keeps_nothing(
    optimizer: Optimizer, store: MemoryTuningStore, gate: threading.Event
) -> None:
    await optimizer.start("tiny", "r1", Wish(("slow",)))
    gate.set()
    await optimizer.cancel("tiny")
    assert (await optimizer.find("tiny")).state is RunState.CANCELLED
    assert store.kept["tiny"] == {}


async def test_a_store_that_is_away_fails_it_and_the_model_stays(
    optimizer: Optimizer, store: MemoryTuningStore, tuned_pool: ModelPool[Served]
) -> None:
    store.failure = UnavailableError("the registry is away")
    await optimizer.start("tiny", "r1", HALF)
    run = await optimizer.find("tiny", 60.0)
    assert (run.state, run.error) == (RunState.FAILED, "the registry is away")
    handle = tuned_pool.get_ready("tiny")
    assert handle is not None
    assert handle.tuning == ""


async def test_an_engine_with_nothing_to_exchange_is_skipped(optimizer: Optimizer) -> None:
    await optimizer.start("lengths", "r1", Wish())
    run = await optimizer.find("lengths", 10.0)
    assert run.state is RunState.DONE
    assert run.skipped.startswith("feature-extraction is not tunable: ")


async def test_unknown_candidates_and_runs_are_told(optimizer: Optimizer) -> None:
    with pytest.raises(InvalidFieldError, match="int4"):
        await optimizer.start("tiny", "r1", Wish(("int4",)))
    with pytest.raises(NotFoundError):
        await optimizer.find("tiny")
