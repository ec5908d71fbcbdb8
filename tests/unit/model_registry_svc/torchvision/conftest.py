from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageClassification

from model_registry_svc.torchvision.conversion import convert
from tests.checkpoints.torchvision_models import SIDE, write_weights

Served = Callable[[str, Mapping[str, torch.Tensor]], torch.Tensor]


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(3, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def logits(tmp_path: Path, images: torch.Tensor) -> Served:
    """What transformers answers from the folder that these weights are converted to."""

    def answer(architecture: str, state: Mapping[str, torch.Tensor]) -> torch.Tensor:
        path = write_weights(tmp_path, dict(state), "tiny")
        convert(tmp_path, f"{architecture}/{path.name}", lambda: None)
        path.unlink()
        model, told = AutoModelForImageClassification.from_pretrained(
            tmp_path, output_loading_info=True
        )
        assert not any(told.values()), told
        with torch.no_grad():
            found: torch.Tensor = model.eval()(images).logits
        return found

    return answer
