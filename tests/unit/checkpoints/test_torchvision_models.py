import hashlib
from pathlib import Path

import pytest
import torch

from tests.checkpoints.torchvision_models import CLASSES, MODELS, SIDE, make_model, write_weights


@pytest.mark.parametrize("architecture", MODELS)
def test_every_tensor_changes_the_answer(architecture: str) -> None:
    images = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    model = make_model(architecture)
    with torch.no_grad():
        before = model(images)
        assert before.shape == (2, CLASSES)
        for name, tensor in model.state_dict().items():
            # What is added to a key is the same for all keys, so softmax takes it out again.
            if not tensor.is_floating_point() or name.endswith("in_proj_bias"):
                continue
            kept = tensor.clone()
            tensor.add_(torch.randn_like(tensor))
            assert not torch.equal(model(images), before), name
            tensor.copy_(kept)


@pytest.mark.parametrize("legacy", [False, True])
def test_file_is_named_after_its_content_and_torch_reads_it(tmp_path: Path, legacy: bool) -> None:
    state = make_model("resnet18").state_dict()
    path = write_weights(tmp_path, state, "tiny", legacy=legacy)
    assert (path.read_bytes()[:2] == b"PK") is not legacy
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f"tiny-{digest[:8]}.pth"
    loaded = torch.load(path, weights_only=True)
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())
