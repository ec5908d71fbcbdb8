"""Against transformers' own pipeline on the same files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.checkpoint import IncompleteCheckpointError
from inference_svc.engine.fill_mask import FillMaskEngine
from tests.approximately import same
from tests.checkpoints.text_models import write_bert, write_roberta, write_sentiment
from tests.unit.inference_svc.engine.conftest import Run, Write

WRITERS = {"[MASK]": write_bert, "<mask>": write_roberta}


@pytest.fixture(scope="module", params=list(WRITERS))
def mask(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def folder(checkpoint: Callable[[Write], Path], mask: str) -> Path:
    return checkpoint(WRITERS[mask])


@pytest.fixture(scope="module")
def engine(folder: Path) -> FillMaskEngine:
    engine = FillMaskEngine(folder, "cpu")
    engine.load()
    engine.warm_up()
    return engine


@pytest.fixture(scope="module")
def library(folder: Path) -> Any:
    return pipeline("fill-mask", model=str(folder), device="cpu")


def test_tokens_are_the_librarys(engine: FillMaskEngine, library: Any, run: Run, mask: str) -> None:
    texts = [f"The capital of Italy is {mask}.", f"A {mask} film", f"{mask} and {mask} like it"]
    expected = library(texts, top_k=3)
    assert same(run.together(engine, texts, top_k=3), expected)
    assert same(run.apart(engine, texts, top_k=3), expected)


def test_only_some_tokens_may_be_asked_for(
    engine: FillMaskEngine, library: Any, run: Run, mask: str
) -> None:
    targets = [token for token in ("film", "river", "t", "s") if token in engine._vocabulary]
    assert len(targets) >= 2
    text = f"A {mask} film"
    expected = library([text], targets=targets)
    found = run.together(engine, [text], targets=targets)
    assert same(found[0], expected)


def test_a_text_without_a_mask_fails_by_itself(engine: FillMaskEngine, mask: str) -> None:
    options = engine.read_parameters({})
    with pytest.raises(InvalidFieldError, match=r"inputs: has no .* to fill in$"):
        engine.prepare("nothing to fill in", options)
    with pytest.raises(InvalidFieldError, match="beyond what the model reads"):
        engine.prepare("word " * 200 + mask, options)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"top_k": 0}, "parameters.top_k"),
        ({"top_k": 10**6}, "parameters.top_k"),
        ({"targets": ["no such token"]}, "parameters.targets"),
    ],
)
def test_a_wrong_parameter_is_named(
    engine: FillMaskEngine, parameters: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        engine.read_parameters(parameters)
    assert wrong.value.field == field


def test_a_model_without_this_head_is_refused(checkpoint: Callable[[Write], Path]) -> None:
    # Its head would be random numbers, which the library only warns of.
    with pytest.raises(IncompleteCheckpointError, match="was not trained for this task"):
        FillMaskEngine(checkpoint(write_sentiment), "cpu").load()
