"""Against transformers' own pipeline on the same files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.text_classification import TextClassificationEngine
from tests.approximately import same
from tests.checkpoints.text_models import write_sentiment
from tests.unit.inference_svc.engine.conftest import Run, Write

TEXTS = ["I love this small camera.", "The service was terrible, the food was cold.", "", "ok"]
PAIR = {"text": "The food was cold.", "text_pair": "The food was warm."}


@pytest.fixture(scope="module")
def folder(checkpoint: Callable[[Write], Path]) -> Path:
    return checkpoint(write_sentiment)


@pytest.fixture(scope="module")
def engine(folder: Path) -> TextClassificationEngine:
    engine = TextClassificationEngine(folder, "cpu")
    engine.load()
    engine.warm_up()
    return engine


@pytest.fixture(scope="module")
def library(folder: Path) -> Any:
    return pipeline("text-classification", model=str(folder), device="cpu")


@pytest.mark.parametrize("top_k", [None, 1, 2])
def test_labels_are_the_librarys(
    engine: TextClassificationEngine, library: Any, run: Run, top_k: int | None
) -> None:
    expected = library(TEXTS, top_k=top_k)
    assert same(run.together(engine, TEXTS, top_k=top_k), expected)
    assert same(run.apart(engine, TEXTS, top_k=top_k), expected)


def test_answers_differ(engine: TextClassificationEngine, run: Run) -> None:
    scores = {round(row[0]["score"], 3) for row in run.together(engine, TEXTS)}
    assert len(scores) == len(TEXTS)


@pytest.mark.parametrize("function", ["sigmoid", "softmax", "none"])
def test_scores_may_be_made_otherwise(
    engine: TextClassificationEngine, library: Any, run: Run, function: str
) -> None:
    expected = library(TEXTS, top_k=None, function_to_apply=function)
    assert same(run.together(engine, TEXTS, top_k=None, function_to_apply=function), expected)


def test_a_pair_is_read_as_one(engine: TextClassificationEngine, library: Any, run: Run) -> None:
    assert same(run.together(engine, [PAIR], top_k=None), [library(PAIR, top_k=None)])


def test_a_long_text_is_cut_as_the_library_cuts_it_and_it_is_told(
    engine: TextClassificationEngine, library: Any, run: Run
) -> None:
    text = "the food was cold " * 40
    expected = library([text], top_k=None, truncation=True)
    assert same(run.together(engine, [text], top_k=None), expected)
    warning = engine.prepare(text, engine.read_parameters({})).warning
    assert warning == "was cut: the model reads 64 tokens, 98 more were left out"


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({"top_k": 0}, "parameters.top_k: is 0; it takes an integer from 1 to 2"),
        ({"top_k": "all"}, "parameters.top_k: is 'all'; it takes an integer from 1 to 2"),
        ({"function_to_apply": "tanh"}, "parameters.function_to_apply: is 'tanh'; allowed are"),
        ({"topk": 1}, "parameters.topk: is not known; this model takes function_to_apply, top_k"),
    ],
)
def test_a_wrong_parameter_is_named(
    engine: TextClassificationEngine, parameters: dict[str, object], detail: str
) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        engine.read_parameters(parameters)
    assert wrong.value.detail.startswith(detail)
