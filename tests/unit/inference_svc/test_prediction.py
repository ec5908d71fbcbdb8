import asyncio
import threading
from collections.abc import Callable

import pytest

from fleetserve.errors import InternalError, InvalidFieldError, ModelNotFoundError
from fleetserve.replica.pool import ModelPool
from inference_svc.batcher import ServedModel
from inference_svc.engine.base import Prepared
from inference_svc.engine.memory import MemoryEngine
from inference_svc.prediction import INLINE_BYTES, Ask, Predictor
from inference_svc.served import Served

WAIT_S = 10.0


def ask(model: str, inputs: object, **changes: object) -> Ask:
    fields: dict[str, object] = {
        "parameters": {},
        "priority": 0,
        "batching": True,
        "size_bytes": 100,
        "received_s": 0.0,
        "deadline_s": float("inf"),
        **changes,
    }
    return Ask(model=model, inputs=inputs, **fields)  # type: ignore[arg-type]


async def test_one_input_gives_one_result(predictor: Predictor) -> None:
    found = await predictor.predict(ask("lengths", "four"))
    assert (found.result, found.batch, found.count, found.batch_size) == (4, False, 1, 1)
    assert (found.spec.name, found.spec.revision) == ("lengths", "r1")


async def test_a_list_gives_results_in_order(predictor: Predictor) -> None:
    found = await predictor.predict(ask("lengths", ["a", "ccc", "bb"]))
    assert (found.result, found.batch, found.count) == ([1, 3, 2], True, 3)


async def test_the_first_request_is_a_cold_start_and_the_next_is_not(
    predictor: Predictor,
) -> None:
    assert (await predictor.predict(ask("lengths", "a"))).cold_start
    assert not (await predictor.predict(ask("lengths", "a"))).cold_start


async def test_a_wrong_input_in_a_list_fails_in_its_place(predictor: Predictor) -> None:
    found = await predictor.predict(ask("lengths", ["a", "", "poison", "dd"]))
    assert isinstance(found.result, list)
    assert found.result[0] == 1
    assert found.result[1] == {
        "error": "inputs[1]: is empty",
        "code": "invalid_field",
        "field": "inputs[1]",
    }
    assert found.result[2]["code"] == "model_failed"
    assert found.result[3] == 2


async def test_a_single_wrong_input_is_the_requests_error(predictor: Predictor) -> None:
    with pytest.raises(InvalidFieldError, match="inputs: is empty"):
        await predictor.predict(ask("lengths", ""))
    with pytest.raises(InternalError):
        await predictor.predict(ask("lengths", "poison"))


async def test_a_list_of_wrong_inputs_never_waits(
    predictor: Predictor, engine: MemoryEngine
) -> None:
    found = await predictor.predict(ask("lengths", ["", ""]))
    assert found.batch_size == 0
    assert engine.batches == []


async def test_an_unknown_model_is_not_found(predictor: Predictor) -> None:
    with pytest.raises(ModelNotFoundError):
        await predictor.predict(ask("nope", "a"))


async def test_an_unknown_parameter_is_named(predictor: Predictor) -> None:
    with pytest.raises(InvalidFieldError, match=r"parameters\.top_k"):
        await predictor.predict(ask("lengths", "a", parameters={"top_k": 3}))


async def test_without_batching_every_input_runs_alone(
    predictor: Predictor, engine: MemoryEngine
) -> None:
    found = await predictor.predict(ask("lengths", ["aa", "bb"], batching=False))
    assert found.batch_size == 1
    assert sorted(len(batch) for batch in engine.batches) == [1, 1]


class Watched(MemoryEngine):
    def __init__(self) -> None:
        super().__init__()
        self.prepared_in: set[str] = set()

    def prepare(self, value: str, options: None) -> Prepared:
        self.prepared_in.add(threading.current_thread().name)
        return super().prepare(value, options)


@pytest.mark.parametrize(
    ("size_bytes", "expected"), [(INLINE_BYTES, "MainThread"), (INLINE_BYTES + 1, "prepare_0")]
)
async def test_only_heavy_requests_are_prepared_in_a_thread(
    predictor: Predictor,
    pool: ModelPool[Served],
    monkeypatch: pytest.MonkeyPatch,
    size_bytes: int,
    expected: str,
) -> None:
    engine = Watched()
    handle = await pool.get("lengths")
    engine.load()
    served = handle.model
    assert isinstance(served, ServedModel)
    handle._model = ServedModel(engine, served.batcher)
    await predictor.predict(ask("lengths", "a", size_bytes=size_bytes))
    assert engine.prepared_in == {expected}


class Cutting(MemoryEngine):
    """Takes four letters of each text."""

    def prepare(self, value: str, options: None) -> Prepared:
        return Prepared(value[:4], 4, warning="was cut" if len(value) > 4 else "")


async def test_what_was_cut_is_told_with_its_place(
    predictor: Predictor, pool: ModelPool[ServedModel]
) -> None:
    engine = Cutting()
    handle = await pool.get("lengths")
    engine.load()
    handle._model = ServedModel(engine, handle.model.batcher)
    assert (await predictor.predict(ask("lengths", "a long one"))).warnings == ("inputs was cut",)
    batch = await predictor.predict(ask("lengths", ["abc", "a long one"]))
    assert batch.warnings == ("inputs[1] was cut",)
    assert (await predictor.predict(ask("lengths", "abc"))).warnings == ()


async def test_a_model_is_held_while_it_computes_and_let_go_when_cancelled(
    predictor: Predictor, pool: ModelPool[Served], engine: MemoryEngine
) -> None:
    handle = await pool.get("lengths")
    begun, go_on = threading.Event(), threading.Event()

    def wait(texts: list[str]) -> None:
        begun.set()
        assert go_on.wait(WAIT_S)

    engine._on_batch = wait
    task = asyncio.create_task(predictor.predict(ask("lengths", "a")))
    await asyncio.to_thread(begun.wait, WAIT_S)
    assert handle.refs == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert handle.refs == 0
    go_on.set()


async def test_requests_that_come_meanwhile_share_the_next_batch(
    predictor: Predictor, pool: ModelPool[Served], engine: MemoryEngine
) -> None:
    await pool.get("lengths")
    begun, go_on = threading.Event(), threading.Event()
    waits: list[Callable[[], object]] = [begun.set, lambda: go_on.wait(WAIT_S)]

    def wait(texts: list[str]) -> None:
        for step in waits:
            step()

    engine._on_batch = wait
    first = asyncio.create_task(predictor.predict(ask("lengths", "a")))
    await asyncio.to_thread(begun.wait, WAIT_S)
    others = [asyncio.create_task(predictor.predict(ask("lengths", "b" * n))) for n in (3, 2, 4)]
    await asyncio.sleep(0)
    go_on.set()
    assert (await first).batch_size == 1
    found = await asyncio.gather(*others)
    assert [one.result for one in found] == [3, 2, 4]
    assert {one.batch_size for one in found} == {3}


async def test_times_tell_where_a_request_was(predictor: Predictor) -> None:
    found = await predictor.predict(ask("lengths", "a", received_s=0.0))
    assert found.waited_ms > 0
    assert found.batch_ms >= 0
    assert found.compute_ms >= 0
