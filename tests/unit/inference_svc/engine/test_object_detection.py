"""Against transformers' own pipeline on the same files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.base import finish
from inference_svc.engine.object_detection import ObjectDetectionEngine
from tests.approximately import same
from tests.checkpoints.vision import write_detr, write_yolos
from tests.pictures import INPUTS, PICTURES
from tests.unit.inference_svc.engine.conftest import Run, Write


@pytest.fixture(scope="module", params=[write_yolos, write_detr])
def folder(request: pytest.FixtureRequest, checkpoint: Callable[[Write], Path]) -> Path:
    return checkpoint(request.param)


@pytest.fixture(scope="module")
def engine(folder: Path) -> ObjectDetectionEngine:
    engine = ObjectDetectionEngine(folder, "cpu")
    engine.load()
    engine.warm_up()
    return engine


@pytest.fixture(scope="module")
def library(folder: Path) -> Any:
    return pipeline("object-detection", model=str(folder), device="cpu")


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 1.0])
def test_boxes_are_the_librarys(
    engine: ObjectDetectionEngine, library: Any, run: Run, threshold: float
) -> None:
    expected = library(PICTURES, threshold=threshold)
    assert same(run.apart(engine, INPUTS, threshold=threshold), expected)
    assert bool(expected[0]) is (threshold < 0.3)


def test_only_images_of_one_shape_share_a_batch_and_give_the_same(
    engine: ObjectDetectionEngine, library: Any, run: Run
) -> None:
    options = engine.read_parameters({"threshold": 0.1})
    prepared = [engine.prepare(value, options) for value in INPUTS]
    assert prepared[0].group == prepared[2].group != prepared[1].group
    found = finish(engine.predict_batch([prepared[0], prepared[2]]))
    expected = library([PICTURES[0], PICTURES[2]], threshold=0.1)
    assert same(list(found), expected, 1e-4)


def test_larger_images_weigh_more(engine: ObjectDetectionEngine) -> None:
    options = engine.read_parameters({})
    small, tall = (engine.prepare(value, options) for value in INPUTS[:2])
    assert (small.length, tall.length) == tuple(
        one.payload.arrays["pixel_values"][0].size // 256 for one in (small, tall)
    )
    assert tall.length > small.length > 1


@pytest.mark.parametrize("threshold", [-0.1, 1.5, "half", True])
def test_a_wrong_threshold_is_named(engine: ObjectDetectionEngine, threshold: object) -> None:
    with pytest.raises(InvalidFieldError, match="it takes a number from 0 to 1") as wrong:
        engine.read_parameters({"threshold": threshold})
    assert wrong.value.field == "parameters.threshold"
