"""What every model engine keeps, whatever it computes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pytest

from fleetserve.errors import InvalidFieldError
from fleetserve.replica.exchange import json_bytes
from inference_svc.engine.base import InputKind, ModelEngine, finish
from inference_svc.engine.embeddings import EmbeddingsEngine
from inference_svc.engine.example import ExampleEngine
from inference_svc.engine.memory import MemoryEngine
from tests.hub.minilm import minilm_folder


@dataclass
class Case:
    """An engine, inputs it takes (of several lengths) and one that fails alone, if there is."""

    make: Callable[[], ModelEngine]
    values: list[Any]
    wrong: Any


CASES = {
    "memory": Case(MemoryEngine, ["a", "bbb", "cc dd ee"], ""),
    "memory, stepwise": Case(lambda: MemoryEngine(stepwise=True), ["a", "bbb", "cc dd ee"], ""),
    "example": Case(lambda: ExampleEngine("cpu"), [[1.0], [1.0, -2.0], [0.5] * 10], [0.0] * 11),
    "embeddings": Case(
        lambda: EmbeddingsEngine(minilm_folder(), "cpu"),
        ["a", "a few more words", "a sentence that is rather longer than the two before it"],
        None,
    ),
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def engine(case: Case) -> ModelEngine:
    engine = case.make()
    size = engine.load()
    assert size > 0
    engine.warm_up()
    return engine


def predict(engine: ModelEngine, values: list[Any]) -> list[Any]:
    options = engine.read_parameters({})
    batch = [engine.prepare(value, options) for value in values]
    return list(finish(engine.predict_batch(batch)))


def test_there_is_one_result_per_input_in_order(case: Case, engine: ModelEngine) -> None:
    together = predict(engine, case.values)
    assert len(together) == len(case.values)
    for value, result in zip(case.values, together, strict=True):
        np.testing.assert_allclose(result, predict(engine, [value])[0], atol=1e-5)


def test_results_can_be_written_as_json(case: Case, engine: ModelEngine) -> None:
    for result in predict(engine, case.values):
        assert orjson.loads(json_bytes(result)) is not None


def test_lengths_are_at_least_one(case: Case, engine: ModelEngine) -> None:
    options = engine.read_parameters({})
    assert all(engine.prepare(value, options).length >= 1 for value in case.values)


def test_the_same_input_gives_the_same_result(case: Case, engine: ModelEngine) -> None:
    first, second = predict(engine, case.values), predict(engine, case.values)
    assert json_bytes(first) == json_bytes(second)


def test_inputs_may_be_prepared_in_several_threads(case: Case, engine: ModelEngine) -> None:
    options = engine.read_parameters({})
    expected = [engine.prepare(value, options).length for value in case.values]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda v: engine.prepare(v, options), case.values * 20))
    assert [one.length for one in found] == expected * 20


def test_a_parameter_that_is_not_known_is_named(engine: ModelEngine) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        engine.read_parameters({"no_such_parameter": 1})
    assert wrong.value.field == "parameters.no_such_parameter"


def test_a_wrong_input_is_refused_when_it_is_prepared(case: Case, engine: ModelEngine) -> None:
    if case.wrong is None:
        pytest.skip("this engine takes every text")
    with pytest.raises(InvalidFieldError) as wrong:
        engine.prepare(case.wrong, engine.read_parameters({}))
    assert wrong.value.field == "inputs"


def test_it_says_what_its_inputs_are(engine: ModelEngine) -> None:
    assert engine.info.kind in InputKind
    assert engine.info.rank == (0 if engine.info.kind is InputKind.TEXT else 1)
    assert engine.info.device == "cpu"


def test_unloaded_and_loaded_again_it_gives_the_same(case: Case) -> None:
    engine = case.make()
    engine.load()
    before = json_bytes(predict(engine, case.values))
    engine.unload()
    engine.load()
    assert json_bytes(predict(engine, case.values)) == before
