"""Against transformers' own pipeline on the same files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.token_classification import STRATEGIES, TokenClassificationEngine
from tests.approximately import same
from tests.checkpoints.text_models import write_ner
from tests.unit.inference_svc.engine.conftest import Run, Write

TEXTS = [
    "Angela Merkel met the president of France in Berlin.",
    "Zürich, 12:30 — naïve Überraschung",
    "Ada",
]
LONG = "Ada Lovelace was born in London and wrote to Charles Babbage in Paris. " * 12


@pytest.fixture(scope="module")
def folder(checkpoint: Callable[[Write], Path]) -> Path:
    return checkpoint(write_ner)


@pytest.fixture(scope="module")
def engine(folder: Path) -> TokenClassificationEngine:
    engine = TokenClassificationEngine(folder, "cpu")
    engine.load()
    engine.warm_up()
    return engine


@pytest.fixture(scope="module")
def library(folder: Path) -> Any:
    return pipeline("token-classification", model=str(folder), device="cpu")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_entities_are_the_librarys(
    engine: TokenClassificationEngine, library: Any, run: Run, strategy: str
) -> None:
    expected = library(TEXTS, aggregation_strategy=strategy)
    assert same(run.together(engine, TEXTS, aggregation_strategy=strategy), expected)
    assert same(run.apart(engine, TEXTS, aggregation_strategy=strategy), expected)


def test_offsets_are_those_of_the_text(engine: TokenClassificationEngine, run: Run) -> None:
    found = run.together(engine, TEXTS, aggregation_strategy="first", ignore_labels=[])
    for text, entities in zip(TEXTS, found, strict=True):
        assert entities
        for entity in entities:
            letters = text[entity["start"] : entity["end"]]
            assert (
                letters.replace(" ", "") == entity["word"].replace(" ", "")
                or "[UNK]" in (entity["word"])
            )


def test_labels_may_be_ignored_or_not(
    engine: TokenClassificationEngine, library: Any, run: Run
) -> None:
    for labels in ([], ["O", "PER"]):
        expected = library(TEXTS, aggregation_strategy="simple", ignore_labels=labels)
        assert same(run.together(engine, TEXTS, ignore_labels=labels), expected)


def test_a_long_text_is_read_in_windows_as_the_librarys(
    engine: TokenClassificationEngine, library: Any, run: Run
) -> None:
    expected = library([LONG], aggregation_strategy="simple", stride=16)
    found = run.together(engine, [LONG, TEXTS[0]], stride=16)
    assert same(found[0], expected[0])
    assert same(found[1], library(TEXTS[0], aggregation_strategy="simple"))
    assert found[0][-1]["end"] > 700


def test_without_aggregation_a_long_text_is_cut_and_it_is_told(
    engine: TokenClassificationEngine, library: Any, run: Run
) -> None:
    parameters = {"aggregation_strategy": "none"}
    expected = library([LONG], **parameters)
    assert same(run.together(engine, [LONG], **parameters), expected)
    prepared = engine.prepare(LONG, engine.read_parameters(parameters))
    assert prepared.warning.startswith("was cut: the model reads 64 tokens")


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"aggregation_strategy": "mean"}, "parameters.aggregation_strategy"),
        ({"aggregation_strategy": "none", "stride": 4}, "parameters.stride"),
        ({"stride": 33}, "parameters.stride"),
        ({"ignore_labels": ["DOG"]}, "parameters.ignore_labels"),
    ],
)
def test_a_wrong_parameter_is_named(
    engine: TokenClassificationEngine, parameters: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        engine.read_parameters(parameters)
    assert wrong.value.field == field
