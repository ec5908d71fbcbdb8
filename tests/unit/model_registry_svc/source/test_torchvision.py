from collections.abc import Iterator

import httpx2 as httpx
import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import InvalidFieldError
from model_registry_svc.source.base import RepositoryNotFoundError, SourceBusyError, SourceRef
from model_registry_svc.source.torchvision import TorchvisionSource

KNOWN = "/mirror/resnet50-11ad3fa6.pth"


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.path == "/mirror/resnet18-f37072fd.pth":
        return httpx.Response(503)
    status = 200 if request.url.path == KNOWN else 404
    return httpx.Response(status, content=b"w" * 10, headers={"etag": '"v1"'})


@pytest.fixture
def source() -> Iterator[TorchvisionSource]:
    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        yield TorchvisionSource(client, SystemClock(), endpoint="https://h.test/mirror/")


def test_weights_are_one_file_at_the_endpoint(source: TorchvisionSource) -> None:
    resolution = source.resolve(SourceRef("resnet50"))
    (found,) = resolution.artifacts
    assert (found.path, found.address) == ("resnet50-11ad3fa6.pth", f"https://h.test{KNOWN}")
    assert (found.size, found.sha256, found.validator) == (10, "11ad3fa6", '"v1"')
    assert resolution.hints.pipeline_tag == "image-classification"
    assert resolution.conversion == "resnet50/IMAGENET1K_V2"


def test_default_and_its_name_are_one_revision(source: TorchvisionSource) -> None:
    one = source.resolve(SourceRef("resnet50"))
    assert source.resolve(SourceRef("resnet50/IMAGENET1K_V2", one.revision)) == one


def test_revision_is_said_to_be_in_the_id(source: TorchvisionSource) -> None:
    with pytest.raises(InvalidFieldError, match="name the weights") as caught:
        source.resolve(SourceRef("resnet50", "v0.15"))
    assert caught.value.field == "revision"


def test_missing_file_and_busy_server_are_told_apart(source: TorchvisionSource) -> None:
    with pytest.raises(RepositoryNotFoundError):
        source.resolve(SourceRef("resnet50/mine-01234567.pth"))
    with pytest.raises(SourceBusyError):
        source.resolve(SourceRef("resnet18"))
