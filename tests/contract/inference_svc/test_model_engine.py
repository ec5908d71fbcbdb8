"""What every model engine keeps, whatever it computes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from fleetserve.errors import InvalidFieldError
from fleetserve.replica.exchange import json_bytes
from inference_svc.engine.base import InputKind, ModelEngine, finish
from inference_svc.engine.embeddings import EmbeddingsEngine
from inference_svc.engine.example import ExampleEngine
from inference_svc.engine.fill_mask import FillMaskEngine
from inference_svc.engine.image_classification import ImageClassificationEngine
from inference_svc.engine.image_features import ImageFeaturesEngine
from inference_svc.engine.memory import MemoryEngine
from inference_svc.engine.object_detection import ObjectDetectionEngine
from inference_svc.engine.question_answering import QuestionAnsweringEngine
from inference_svc.engine.tensor import TensorEngine
from inference_svc.engine.text2text import summarization, text2text, translation
from inference_svc.engine.text_classification import TextClassificationEngine
from inference_svc.engine.token_classification import TokenClassificationEngine
from inference_svc.engine.zero_shot import ZeroShotEngine
from tests.approximately import same
from tests.checkpoints.tensors import write_export, write_script
from tests.checkpoints.text2text import write_bart_cnn, write_flan, write_marian
from tests.checkpoints.text_models import (
    write_bert,
    write_mnli,
    write_ner,
    write_sentiment,
    write_squad,
)
from tests.checkpoints.vision import write_dinov2, write_vit, write_yolos
from tests.hub.minilm import minilm_folder
from tests.pictures import INPUTS


@dataclass
class Case:
    """An engine, inputs it takes (of several lengths) and one that fails alone, if there is.

    ``write``: its checkpoint; None: it needs none.
    """

    make: Callable[[Path], ModelEngine]
    values: list[Any]
    wrong: Any
    write: Callable[[Path], None] | None = None
    parameters: dict[str, object] = field(default_factory=dict)


TEXTS = ["a", "a few more words", "a sentence that is rather longer than the two before it"]
SHORT = {"max_new_tokens": 5}
CASES = {
    "memory": Case(lambda _: MemoryEngine(), ["a", "bbb", "cc dd ee"], ""),
    "memory, stepwise": Case(lambda _: MemoryEngine(stepwise=True), ["a", "bbb", "cc dd"], ""),
    "example": Case(lambda _: ExampleEngine("cpu"), [[1.0], [1.0, -2.0], [0.5] * 10], [0.0] * 11),
    "embeddings": Case(lambda _: EmbeddingsEngine(minilm_folder(), "cpu"), TEXTS, None),
    "text-classification": Case(
        lambda folder: TextClassificationEngine(folder, "cpu"), TEXTS, None, write_sentiment
    ),
    "token-classification": Case(
        lambda folder: TokenClassificationEngine(folder, "cpu"), TEXTS, None, write_ner
    ),
    "question-answering": Case(
        lambda folder: QuestionAnsweringEngine(folder, "cpu"),
        [{"question": "Who?", "context": text} for text in TEXTS],
        {"question": "", "context": "Ada"},
        write_squad,
    ),
    "zero-shot-classification": Case(
        lambda folder: ZeroShotEngine(folder, "cpu"),
        TEXTS,
        "",
        write_mnli,
        {"candidate_labels": ["food", "travel"]},
    ),
    "fill-mask": Case(
        lambda folder: FillMaskEngine(folder, "cpu"),
        [f"{text} [MASK]" for text in TEXTS],
        "nothing to fill in",
        write_bert,
    ),
    "summarization": Case(
        lambda folder: summarization(folder, "cpu"), TEXTS, "", write_bart_cnn, dict(SHORT)
    ),
    "translation": Case(
        lambda folder: translation(folder, "cpu"), TEXTS, "", write_marian, dict(SHORT)
    ),
    "text2text-generation": Case(
        lambda folder: text2text(folder, "cpu"), TEXTS, "", write_flan, dict(SHORT)
    ),
    "image-classification": Case(
        lambda folder: ImageClassificationEngine(folder, "cpu"), INPUTS, "AAEC", write_vit
    ),
    "object-detection": Case(
        lambda folder: ObjectDetectionEngine(folder, "cpu"),
        [INPUTS[0], INPUTS[2]],
        "AAEC",
        write_yolos,
        {"threshold": 0.1},
    ),
    "image-feature-extraction": Case(
        lambda folder: ImageFeaturesEngine(folder, "cpu"), INPUTS, "AAEC", write_dinov2
    ),
    "tensor, export": Case(
        lambda folder: TensorEngine(folder, "cpu", rank=1),
        [[1.0, 2.0, 3.0, 4.0], [0.0] * 4],
        [1e300] * 4,
        lambda folder: write_export(folder / "m.pt2"),
    ),
    "tensor, script": Case(
        lambda folder: TensorEngine(folder, "cpu", rank=1),
        [[1.0, 2.0, 3.0, 4.0], [0.0] * 4],
        [1e300] * 4,
        lambda folder: write_script(folder / "m.pt"),
    ),
}


@pytest.fixture(scope="module", params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def folder(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    if case.write is not None:
        case.write(folder)
    return folder


@pytest.fixture(scope="module")
def engine(case: Case, folder: Path) -> ModelEngine:
    engine = case.make(folder)
    size = engine.load()
    assert size > 0
    engine.warm_up()
    return engine


def predict(case: Case, engine: ModelEngine, values: list[Any]) -> list[Any]:
    options = engine.read_parameters(case.parameters)
    batch = [engine.prepare(value, options) for value in values]
    return list(finish(engine.predict_batch(batch)))


def test_there_is_one_result_per_input_in_order(case: Case, engine: ModelEngine) -> None:
    together = predict(case, engine, case.values)
    assert len(together) == len(case.values)
    for value, result in zip(case.values, together, strict=True):
        assert same(result, predict(case, engine, [value])[0], 1e-4)


def test_results_can_be_written_as_json(case: Case, engine: ModelEngine) -> None:
    for result in predict(case, engine, case.values):
        assert orjson.loads(json_bytes(result)) is not None


def test_lengths_are_at_least_one(case: Case, engine: ModelEngine) -> None:
    options = engine.read_parameters(case.parameters)
    assert all(engine.prepare(value, options).length >= 1 for value in case.values)


def test_the_same_input_gives_the_same_result(case: Case, engine: ModelEngine) -> None:
    first, second = predict(case, engine, case.values), predict(case, engine, case.values)
    assert json_bytes(first) == json_bytes(second)


def test_inputs_may_be_prepared_in_several_threads(case: Case, engine: ModelEngine) -> None:
    options = engine.read_parameters(case.parameters)
    expected = [engine.prepare(value, options).length for value in case.values]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda v: engine.prepare(v, options), case.values * 20))
    assert [one.length for one in found] == expected * 20


def test_a_parameter_that_is_not_known_is_named(engine: ModelEngine) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        engine.read_parameters({"no_such_parameter": 1})
    assert wrong.value.field == "parameters.no_such_parameter"


def test_a_wrong_input_is_refused_when_it_is_prepared(case: Case, engine: ModelEngine) -> None:
    options = engine.read_parameters(case.parameters)
    if case.wrong is None:
        assert engine.prepare("", options).length >= 1, "this engine takes every text"
        return
    with pytest.raises(InvalidFieldError) as wrong:
        engine.prepare(case.wrong, options)
    assert wrong.value.field.partition(".")[0] == "inputs"


def test_it_says_what_its_inputs_are(engine: ModelEngine) -> None:
    assert engine.info.kind in InputKind
    assert engine.info.rank == (1 if engine.info.kind is InputKind.TENSOR else 0)
    assert engine.info.device == "cpu"


def test_unloaded_and_loaded_again_it_gives_the_same(case: Case, folder: Path) -> None:
    engine = case.make(folder)
    engine.load()
    before = json_bytes(predict(case, engine, case.values))
    engine.unload()
    engine.load()
    assert json_bytes(predict(case, engine, case.values)) == before
