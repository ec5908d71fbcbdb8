import torch

from tests.checkpoints.torchvision_models import make_model
from tests.unit.model_registry_svc.torchvision.conftest import Served


def test_transformers_answers_what_the_original_does(logits: Served, images: torch.Tensor) -> None:
    model = make_model("vit_b_16")
    with torch.no_grad():
        expected = model(images)
    found = logits("vit_b_16", model.state_dict())
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_names_of_the_published_files_are_the_same_tensors(
    logits: Served, images: torch.Tensor
) -> None:
    model = make_model("vit_b_16")
    with torch.no_grad():
        expected = model(images)
    old = {
        name.replace(".mlp.0.", ".mlp.linear_1.").replace(".mlp.3.", ".mlp.linear_2."): tensor
        for name, tensor in model.state_dict().items()
    }
    assert old.keys() != model.state_dict().keys()
    torch.testing.assert_close(logits("vit_b_16", old), expected, atol=1e-5, rtol=1e-5)
