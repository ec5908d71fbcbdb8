import pytest

from fleetserve.errors import ForbiddenError, InvalidFieldError
from model_registry_svc.source.base import SourceRef
from model_registry_svc.source.memory import MemorySource
from model_registry_svc.source.pytorch_hub import PytorchHubSource


@pytest.fixture
def source() -> PytorchHubSource:
    return PytorchHubSource(
        MemorySource({"resnet50": {"a.pth": b"2"}, "resnet50/IMAGENET1K_V1": {"a.pth": b"1"}})
    )


def content(source: PytorchHubSource, model_id: str) -> bytes:
    (artifact,) = source.resolve(SourceRef(model_id)).artifacts
    with source.open(artifact, 0) as stream:
        return b"".join(stream)


def test_entries_of_vision_come_as_torchvisions_weights(source: PytorchHubSource) -> None:
    assert content(source, "pytorch/vision/resnet50") == b"2"
    assert content(source, "pytorch/vision/resnet50/IMAGENET1K_V1") == b"1"
    assert content(source, "pytorch/vision:v0.10.0/resnet50/IMAGENET1K_V1") == b"1"


def test_weights_of_another_time_must_be_named(source: PytorchHubSource) -> None:
    with pytest.raises(InvalidFieldError, match=r"at v0\.10\.0 only its code tells") as caught:
        source.resolve(SourceRef("pytorch/vision:v0.10.0/resnet50"))
    assert "pytorch/vision:v0.10.0/resnet50/IMAGENET1K_V1" in caught.value.detail


@pytest.mark.parametrize("model_id", ["snakers4/silero-vad/silero_vad", "a/b:main/c", "a/b/c/d"])
def test_code_is_refused_with_the_setting_and_the_way_out(
    source: PytorchHubSource, model_id: str
) -> None:
    with pytest.raises(ForbiddenError, match=r"inference\.allow_remote_code") as caught:
        source.resolve(SourceRef(model_id))
    assert caught.value.code == "hub_code_refused"
    assert ".pt2" in caught.value.detail


@pytest.mark.parametrize("model_id", ["resnet50", "pytorch/vision", "a/b/", "a//b/c", "../a/b/c/d"])
def test_id_of_another_form_is_told(source: PytorchHubSource, model_id: str) -> None:
    with pytest.raises(InvalidFieldError, match="owner/repo"):
        source.resolve(SourceRef(model_id))
