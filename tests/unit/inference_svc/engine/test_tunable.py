"""Classifiers and image models made faster: the real engines with another module in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from fleetserve.tasks import Task
from inference_svc.engine.base import ModelEngine, Tunable, finish
from inference_svc.engine.fill_mask import FillMaskEngine
from inference_svc.engine.image_classification import ImageClassificationEngine
from inference_svc.engine.image_features import ImageFeaturesEngine
from inference_svc.engine.question_answering import QuestionAnsweringEngine
from inference_svc.engine.text_classification import TextClassificationEngine
from inference_svc.engine.token_classification import TokenClassificationEngine
from inference_svc.engine.zero_shot import ZeroShotEngine
from inference_svc.optimization.capture import capture_calls
from inference_svc.optimization.held_samples import built_in_texts
from inference_svc.optimization.technique.half import HalfLinear
from inference_svc.optimization.technique.linears import with_linears
from inference_svc.optimization.tolerance import Tolerance, judge
from tests.checkpoints.text_models import (
    write_bert,
    write_mnli,
    write_ner,
    write_sentiment,
    write_squad,
)
from tests.checkpoints.vision import write_vit
from tests.unit.inference_svc.engine.conftest import Write

COUNT = 24


@pytest.fixture(
    params=[
        pytest.param(
            (TextClassificationEngine, write_sentiment, Task.TEXT_CLASSIFICATION), id="sentiment"
        ),
        pytest.param(
            (TokenClassificationEngine, write_ner, Task.TOKEN_CLASSIFICATION), id="entities"
        ),
        pytest.param((QuestionAnsweringEngine, write_squad, Task.QUESTION_ANSWERING), id="answers"),
        pytest.param((ZeroShotEngine, write_mnli, Task.ZERO_SHOT_CLASSIFICATION), id="zero-shot"),
        pytest.param((FillMaskEngine, write_bert, Task.FILL_MASK), id="gaps"),
        pytest.param(
            (ImageClassificationEngine, write_vit, Task.IMAGE_CLASSIFICATION), id="picture"
        ),
        pytest.param(
            (ImageFeaturesEngine, write_vit, Task.IMAGE_FEATURE_EXTRACTION), id="features"
        ),
    ]
)
def served(
    request: pytest.FixtureRequest, checkpoint: Callable[[Write], Path]
) -> tuple[ModelEngine, Task]:
    kind, write, task = request.param
    engine: ModelEngine = kind(checkpoint(write), "cpu")
    engine.load()
    engine.warm_up()
    return engine, task


def test_another_module_serves_beside_the_first(served: tuple[ModelEngine, Task]) -> None:
    engine, task = served
    assert isinstance(engine, Tunable)
    samples = engine.samples(built_in_texts()[:COUNT])
    assert len(samples) == COUNT
    before = list(finish(engine.predict_batch(samples)))
    exact = engine.with_module(with_linears(engine.module, lambda layer: layer), "float32")
    assert judge(task, before, list(finish(exact.predict_batch(samples))), Tolerance()).within
    half = with_linears(engine.module, lambda layer: HalfLinear(layer, torch.bfloat16))
    other = engine.with_module(half, "bfloat16")
    assert (other.info.dtype, engine.info.dtype) == ("bfloat16", "float32")
    found: list[Any] = list(finish(other.predict_batch(samples)))
    assert judge(task, before, found, Tolerance()).max_error > 0
    other.unload()
    again = list(finish(engine.predict_batch(samples)))
    assert judge(task, before, again, Tolerance()).max_error == 0


def test_what_its_module_is_called_with_is_found_out(served: tuple[ModelEngine, Task]) -> None:
    engine, _ = served
    assert isinstance(engine, Tunable)
    calls = capture_calls(engine, engine.samples(built_in_texts()[:8]))
    sizes = {next(iter(call.kwargs.values())).shape[0] for call in calls}
    assert 1 in sizes
    assert max(sizes) >= 8
    assert len(sizes) >= 3


def test_samples_differ(served: tuple[ModelEngine, Task]) -> None:
    engine, _ = served
    assert isinstance(engine, Tunable)
    results = list(finish(engine.predict_batch(engine.samples(built_in_texts()[:4]))))
    assert len({repr(result) for result in results}) == 4
