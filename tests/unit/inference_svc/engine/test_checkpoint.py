"""What is read, from which file, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification

from inference_svc.engine.checkpoint import (
    IncompleteCheckpointError,
    load_checkpoint,
    module_bytes,
)
from tests.checkpoints.text_models import write_roberta
from tests.unit.inference_svc.engine.conftest import Write


def test_safetensors_go_before_a_pickle(
    checkpoint: Callable[[Write], Path], tmp_path: Path
) -> None:
    folder = copytree(checkpoint(write_roberta), tmp_path / "m")
    (folder / "pytorch_model.bin").write_bytes(b"never opened")
    model, lacking = load_checkpoint(AutoModelForMaskedLM, folder, "cpu")
    assert (model.training, lacking) == (False, ())
    assert next(model.parameters()).dtype == torch.float32
    assert module_bytes(model) > 100_000


def test_a_pickle_of_weights_alone_is_read(
    checkpoint: Callable[[Write], Path], tmp_path: Path
) -> None:
    folder = copytree(checkpoint(write_roberta), tmp_path / "m")
    expected, _ = load_checkpoint(AutoModelForMaskedLM, folder, "cpu")
    (folder / "model.safetensors").unlink()
    model, _ = load_checkpoint(AutoModelForMaskedLM, folder, "cpu")
    for name, tensor in expected.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name


def test_a_pickle_of_anything_else_is_not(
    checkpoint: Callable[[Write], Path], tmp_path: Path
) -> None:
    folder = copytree(checkpoint(write_roberta), tmp_path / "m")
    (folder / "model.safetensors").unlink()
    torch.save({"x": Path("/")}, folder / "pytorch_model.bin")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        load_checkpoint(AutoModelForMaskedLM, folder, "cpu")


def test_a_head_that_the_files_lack_is_refused_by_name(
    checkpoint: Callable[[Write], Path],
) -> None:
    with pytest.raises(IncompleteCheckpointError, match=r"no weights for classifier\.dense\.bias"):
        load_checkpoint(AutoModelForSequenceClassification, checkpoint(write_roberta), "cpu")


def test_what_may_be_missing_is_told(checkpoint: Callable[[Write], Path]) -> None:
    folder = checkpoint(write_roberta)
    _, lacking = load_checkpoint(AutoModel, folder, "cpu", optional=("pooler.",))
    assert lacking == ("pooler.",)
