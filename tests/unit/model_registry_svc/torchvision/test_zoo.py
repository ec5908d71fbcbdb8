import pytest

from fleetserve.errors import InvalidFieldError
from model_registry_svc.torchvision.zoo import find_weights, imagenet_labels


@pytest.mark.parametrize(
    ("model_id", "whole", "file", "resize"),
    [
        ("resnet50", "resnet50/IMAGENET1K_V2", "resnet50-11ad3fa6.pth", 232),
        ("resnet50/IMAGENET1K_V1", "resnet50/IMAGENET1K_V1", "resnet50-0676ba61.pth", 256),
        ("vit_l_16", "vit_l_16/IMAGENET1K_V1", "vit_l_16-852ce7e3.pth", 242),
        (
            "resnet18/mine-0123456789ab.pth",
            "resnet18/mine-0123456789ab.pth",
            "mine-0123456789ab.pth",
            256,
        ),
    ],
)
def test_id_means_a_file(model_id: str, whole: str, file: str, resize: int) -> None:
    weights = find_weights(model_id)
    assert (weights.id, weights.file, weights.resize, weights.crop) == (whole, file, resize, 224)
    assert weights.file.endswith(f"-{weights.sha256}.pth")
    assert find_weights(weights.id) == weights


def test_unknown_architecture_is_told_with_those_there_are() -> None:
    with pytest.raises(InvalidFieldError, match=r"'alexnet'.*convnext_base.*resnet50.*vit_b_16"):
        find_weights("alexnet")


@pytest.mark.parametrize(
    "wanted",
    ["IMAGENET1K_V3", "IMAGENET1K_SWAG_E2E_V1", "x.pth", "../up-01234567.pth", "a/b-01234567.pth"],
)
def test_unknown_weights_are_told_with_those_there_are(wanted: str) -> None:
    with pytest.raises(InvalidFieldError, match="IMAGENET1K_V1, IMAGENET1K_V2") as caught:
        find_weights(f"resnet50/{wanted}")
    assert caught.value.field == "model_id"


def test_labels_are_those_of_imagenet() -> None:
    labels = imagenet_labels()
    assert len(labels) == 1000
    assert (labels[0], labels[207], labels[999]) == ("tench", "golden retriever", "toilet tissue")
