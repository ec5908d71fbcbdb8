import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from model_registry_svc.torch_file import UnreadableWeightsError
from model_registry_svc.torchvision.conversion import convert
from tests.checkpoints.torchvision_models import make_model, write_weights


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_weights(tmp_path, make_model("resnet18").state_dict(), "tiny", legacy=True)


def run(weights: Path, architecture: str = "resnet18") -> dict[str, bytes]:
    """Converts, and gives the content of the files that it lists."""
    written = convert(weights.parent, f"{architecture}/{weights.name}", lambda: None)
    contents = {file.path: (weights.parent / file.path).read_bytes() for file in written}
    for file in written:
        assert file.size == len(contents[file.path])
        assert file.sha256 == hashlib.sha256(contents[file.path]).hexdigest()
    return contents


def test_folder_has_weights_configuration_and_preparation(weights: Path) -> None:
    contents = run(weights)
    assert sorted(contents) == ["config.json", "model.safetensors", "preprocessor_config.json"]
    config = json.loads(contents["config.json"])
    assert config["architectures"] == ["ResNetForImageClassification"]
    assert config["id2label"]["6"] == "LABEL_6"
    prepared = json.loads(contents["preprocessor_config.json"])
    assert prepared["size"] == {"shortest_edge": 256}
    assert prepared["crop_size"] == {"height": 224, "width": 224}
    assert prepared["image_mean"] == [0.485, 0.456, 0.406]


def test_thousand_classes_are_those_of_imagenet(tmp_path: Path) -> None:
    state = make_model("resnet18").state_dict()
    width = state["fc.weight"].shape[1]
    state["fc.weight"], state["fc.bias"] = torch.randn(1000, width), torch.randn(1000)
    config = json.loads(run(write_weights(tmp_path, state, "wide"))["config.json"])
    assert config["id2label"]["0"] == "tench"
    assert config["label2id"]["toilet tissue"] == 999


def test_again_is_as_once(weights: Path) -> None:
    assert run(weights) == run(weights)


def test_another_architecture_is_named(weights: Path) -> None:
    with pytest.raises(UnreadableWeightsError, match=r"is no vit_b_16: 'conv_proj\.weight'"):
        run(weights, "vit_b_16")
    state = {**make_model("resnet18").state_dict(), "extra": torch.zeros(1)}
    with pytest.raises(UnreadableWeightsError, match="extra is no tensor"):
        run(write_weights(weights.parent, state, "more"))


def test_tensors_hold_what_the_file_held(weights: Path) -> None:
    run(weights)
    expected = make_model("resnet18").state_dict()["layer1.1.conv2.weight"]
    with safe_open(weights.parent / "model.safetensors", "pt") as file:
        found = file.get_tensor("resnet.encoder.stages.0.layers.1.layer.1.convolution.weight")
    assert torch.equal(found, expected)
