import pytest
import torch

from model_registry_svc.tensor_span import TensorSpan
from model_registry_svc.torchvision.resnet import convert
from tests.checkpoints.torchvision_models import make_model
from tests.unit.model_registry_svc.torchvision.conftest import Served


@pytest.mark.parametrize("architecture", ["resnet18", "resnet50"])
def test_transformers_answers_what_the_original_does(
    architecture: str, logits: Served, images: torch.Tensor
) -> None:
    model = make_model(architecture)
    with torch.no_grad():
        expected = model(images)
    torch.testing.assert_close(
        logits(architecture, model.state_dict()), expected, atol=1e-5, rtol=1e-5
    )


def test_file_without_counters_is_whole_with_them(logits: Served, images: torch.Tensor) -> None:
    model = make_model("resnet18")
    state = {n: t for n, t in model.state_dict().items() if "num_batches" not in n}
    with torch.no_grad():
        expected = model(images)
    torch.testing.assert_close(logits("resnet18", state), expected, atol=1e-5, rtol=1e-5)


def test_other_tensors_are_no_resnet() -> None:
    with pytest.raises(KeyError):
        convert({"conv1.weight": TensorSpan("F32", (8, 3, 7, 7), 0)})
