"""Against transformers' own pipeline on the same files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from transformers import ViTConfig, ViTModel, pipeline

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.image_features import ImageFeaturesEngine
from tests.checkpoints.text_models import draw
from tests.checkpoints.vision import write_dinov2, write_resnet, write_vit
from tests.pictures import INPUTS, PICTURES
from tests.unit.inference_svc.engine.conftest import Run, Write


def loaded(folder: Path) -> ImageFeaturesEngine:
    engine = ImageFeaturesEngine(folder, "cpu")
    engine.load()
    engine.warm_up()
    return engine


def write_headless_resnet(folder: Path) -> None:
    from transformers import ResNetForImageClassification

    write_resnet(folder)
    ResNetForImageClassification.from_pretrained(folder).resnet.save_pretrained(folder)


def write_vit_without_pooler(folder: Path) -> None:
    """As facebook/dino-vits16 is published."""
    write_vit(folder)
    config = ViTConfig.from_pretrained(folder)
    model = draw(lambda made: ViTModel(made, add_pooling_layer=False), config)
    model.save_pretrained(folder)


@pytest.mark.parametrize("write", [write_dinov2, write_headless_resnet])
def test_vectors_are_the_librarys(
    checkpoint: Callable[[Write], Path], run: Run, write: Write
) -> None:
    folder = checkpoint(write)
    engine = loaded(folder)
    library = pipeline("image-feature-extraction", model=str(folder), device="cpu")
    for parameters, pool in (({"pooling": "none"}, False), ({}, True)):
        expected = [np.array(library(one, pool=pool)[0]) for one in PICTURES]
        for found in (
            run.apart(engine, INPUTS, **parameters),
            run.together(engine, INPUTS, **parameters),
        ):
            for vector, wanted in zip(found, expected, strict=True):
                np.testing.assert_allclose(vector, wanted.squeeze(), atol=1e-5)
                assert vector.dtype == np.float32


def test_a_model_published_without_its_pooler_gives_its_first_token(
    checkpoint: Callable[[Write], Path], run: Run
) -> None:
    # The library makes a pooler of random numbers then, another one each time.
    engine = loaded(checkpoint(write_vit_without_pooler))
    found = run.together(engine, INPUTS)
    tokens = run.together(engine, INPUTS, pooling="none")
    for vector, rows in zip(found, tokens, strict=True):
        np.testing.assert_array_equal(vector, rows[0])
    mean = run.together(engine, INPUTS, pooling="mean")
    np.testing.assert_allclose(mean[0], tokens[0].mean(axis=0), atol=1e-6)
    with pytest.raises(InvalidFieldError, match="allowed are cls, mean, none"):
        engine.read_parameters({"pooling": "pooler"})


def test_a_convolution_has_no_first_token(checkpoint: Callable[[Write], Path]) -> None:
    engine = loaded(checkpoint(write_headless_resnet))
    with pytest.raises(InvalidFieldError, match="allowed are pooler, mean, none") as wrong:
        engine.read_parameters({"pooling": "cls"})
    assert wrong.value.field == "parameters.pooling"
