"""Against transformers' own pipeline on the same files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.base import finish
from inference_svc.engine.zero_shot import NoEntailmentError, ZeroShotEngine
from tests.approximately import same
from tests.checkpoints.text_models import write_mnli, write_sentiment
from tests.unit.inference_svc.engine.conftest import Run, Write

TEXTS = ["The train needs three hours to Munich.", "The food was cold.", "goal"]
LABELS = ["travel", "cooking", "sport and play"]


@pytest.fixture(scope="module")
def folder(checkpoint: Callable[[Write], Path]) -> Path:
    return checkpoint(write_mnli)


@pytest.fixture(scope="module")
def engine(folder: Path) -> ZeroShotEngine:
    engine = ZeroShotEngine(folder, "cpu")
    engine.load()
    engine.warm_up()
    return engine


@pytest.fixture(scope="module")
def library(folder: Path) -> Any:
    return pipeline("zero-shot-classification", model=str(folder), device="cpu")


@pytest.mark.parametrize(
    "parameters",
    [
        {"candidate_labels": LABELS},
        {"candidate_labels": LABELS, "multi_label": True},
        {"candidate_labels": "travel, cooking"},
        {"candidate_labels": ["travel"]},
        {"candidate_labels": LABELS, "hypothesis_template": "It is about {}, I think."},
    ],
)
def test_labels_are_the_librarys(
    engine: ZeroShotEngine, library: Any, run: Run, parameters: dict[str, Any]
) -> None:
    expected = library(TEXTS, **parameters)
    assert same(run.together(engine, TEXTS, **parameters), expected)
    assert same(run.apart(engine, TEXTS, **parameters), expected)


def test_a_long_text_is_cut_and_its_label_is_not(
    engine: ZeroShotEngine, library: Any, run: Run
) -> None:
    text = "the food was cold " * 60
    expected = library([text], candidate_labels=LABELS)
    assert same(run.together(engine, [text], candidate_labels=LABELS), expected)
    options = engine.read_parameters({"candidate_labels": LABELS})
    assert engine.prepare(text, options).warning.startswith("was cut")


def test_requests_with_other_labels_share_a_batch(engine: ZeroShotEngine, run: Run) -> None:
    chosen = [LABELS, LABELS[:2]]
    options = [engine.read_parameters({"candidate_labels": labels}) for labels in chosen]
    batch = [engine.prepare(TEXTS[0], one) for one in options]
    for found, labels in zip(finish(engine.predict_batch(batch)), chosen, strict=True):
        assert same(found, run.together(engine, TEXTS[:1], candidate_labels=labels)[0])


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "parameters.candidate_labels"),
        ({"candidate_labels": []}, "parameters.candidate_labels"),
        ({"candidate_labels": ["a", " "]}, "parameters.candidate_labels"),
        ({"candidate_labels": ["a", 3]}, "parameters.candidate_labels"),
        ({"candidate_labels": ["a"] * 300}, "parameters.candidate_labels"),
        (
            {"candidate_labels": ["a"], "hypothesis_template": "no"},
            "parameters.hypothesis_template",
        ),
        ({"candidate_labels": ["a"], "multi_label": "yes"}, "parameters.multi_label"),
    ],
)
def test_a_wrong_parameter_is_named(
    engine: ZeroShotEngine, parameters: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        engine.read_parameters(parameters)
    assert wrong.value.field == field


def test_an_empty_text_fails_by_itself(engine: ZeroShotEngine) -> None:
    options = engine.read_parameters({"candidate_labels": LABELS})
    with pytest.raises(InvalidFieldError, match="inputs: is empty"):
        engine.prepare(" ", options)


def test_a_model_without_entailment_is_refused(checkpoint: Callable[[Write], Path]) -> None:
    with pytest.raises(NoEntailmentError, match="NEGATIVE, POSITIVE"):
        ZeroShotEngine(checkpoint(write_sentiment), "cpu").load()
