"""Against transformers' own pipeline on the same files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.base import finish
from inference_svc.engine.image_classification import ImageClassificationEngine
from tests.approximately import same
from tests.checkpoints.vision import write_resnet, write_vit
from tests.pictures import INPUTS, PICTURES
from tests.unit.inference_svc.engine.conftest import Run, Write


@pytest.fixture(scope="module", params=[write_vit, write_resnet])
def folder(request: pytest.FixtureRequest, checkpoint: Callable[[Write], Path]) -> Path:
    return checkpoint(request.param)


@pytest.fixture(scope="module")
def engine(folder: Path) -> ImageClassificationEngine:
    engine = ImageClassificationEngine(folder, "cpu")
    engine.load()
    engine.warm_up()
    return engine


@pytest.fixture(scope="module")
def library(folder: Path) -> Any:
    return pipeline("image-classification", model=str(folder), device="cpu")


@pytest.mark.parametrize("parameters", [{}, {"top_k": 2}, {"function_to_apply": "sigmoid"}])
def test_labels_are_the_librarys(
    engine: ImageClassificationEngine, library: Any, run: Run, parameters: dict[str, Any]
) -> None:
    expected = library(PICTURES, **parameters)
    assert same(run.apart(engine, INPUTS, **parameters), expected)
    assert same(run.together(engine, INPUTS, **parameters), expected)
    assert len({row[0]["score"] for row in expected}) == len(expected)


def test_all_labels_may_be_asked_for(engine: ImageClassificationEngine, run: Run) -> None:
    assert len(run.together(engine, INPUTS[:1], top_k=None)[0]) == 7


def test_requests_with_other_options_share_a_batch(
    engine: ImageClassificationEngine, run: Run
) -> None:
    batch = [engine.prepare(INPUTS[0], engine.read_parameters({"top_k": k})) for k in (1, 3)]
    assert [len(row) for row in finish(engine.predict_batch(batch))] == [1, 3]  # type: ignore[arg-type]


def test_a_wrong_parameter_is_named(engine: ImageClassificationEngine) -> None:
    with pytest.raises(InvalidFieldError, match="it takes an integer from 1 to 7") as wrong:
        engine.read_parameters({"top_k": 8})
    assert wrong.value.field == "parameters.top_k"
