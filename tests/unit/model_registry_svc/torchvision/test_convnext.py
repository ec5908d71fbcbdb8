import torch

from tests.checkpoints.torchvision_models import make_model
from tests.unit.model_registry_svc.torchvision.conftest import Served


def test_transformers_answers_what_the_original_does(logits: Served, images: torch.Tensor) -> None:
    model = make_model("convnext_tiny")
    with torch.no_grad():
        expected = model(images)
    found = logits("convnext_tiny", model.state_dict())
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
