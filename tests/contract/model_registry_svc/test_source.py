"""Every source keeps the promises of DownloadSource."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2 as httpx
import pytest

from fleetserve.clock import SystemClock
from model_registry_svc.source.base import (
    Artifact,
    ArtifactChangedError,
    DownloadSource,
    InterruptedTransferError,
    RepositoryNotFoundError,
    SourceRef,
)
from model_registry_svc.source.http_stream import TIMEOUT
from model_registry_svc.source.huggingface import HuggingFaceSource
from model_registry_svc.source.local import LocalSource
from model_registry_svc.source.memory import MemorySource
from model_registry_svc.source.pytorch_hub import PytorchHubSource
from model_registry_svc.source.torchvision import TorchvisionSource
from model_registry_svc.source.url import UrlSource
from tests.hub import Fault, FaultKind, HubRepo, HubServer

CONTENT = bytes(range(256)) * 1200
NAME = "model.safetensors"
WEIGHTS = f"mine-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"

# Those whose transfers can be cut, and those that tell one version from another.
CUTTABLE = ["huggingface", "url", "torchvision", "pytorch_hub", "memory"]
CHANGING = ["url", "torchvision", "pytorch_hub", "local", "memory"]


@dataclass
class Harness:
    """A source with one model of one file, and what can happen to it."""

    source: DownloadSource
    ref: SourceRef
    unknown: SourceRef
    name: str = NAME
    change: Callable[[], None] | None = None
    cut_after: Callable[[int], None] | None = None

    def artifact(self) -> Artifact:
        (found,) = self.source.resolve(self.ref).artifacts
        return found


@pytest.fixture
def hub() -> Iterator[HubServer]:
    repos = [
        HubRepo("org/m", files={NAME: CONTENT}),
        HubRepo("pytorch/models", files={WEIGHTS: CONTENT}),
    ]
    with HubServer(repos) as server:
        yield server


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=TIMEOUT) as client:
        yield client


@pytest.fixture(params=["huggingface", "url", "torchvision", "pytorch_hub", "local", "memory"])
def harness(request: pytest.FixtureRequest) -> Harness:
    made: Harness = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def huggingface(hub: HubServer, client: httpx.Client) -> Harness:
    source = HuggingFaceSource(client, SystemClock(), endpoint=hub.url)
    return Harness(
        source, SourceRef("org/m"), SourceRef("org/none"), cut_after=lambda n: _cut(hub, n)
    )


@pytest.fixture
def url(hub: HubServer, client: httpx.Client) -> Harness:
    base = f"{hub.url}/org/m/resolve/main"
    source = UrlSource(client, SystemClock(), allow_private=True)
    return Harness(
        source,
        SourceRef(f"{base}/{NAME}"),
        SourceRef(f"{base}/none.safetensors"),
        change=lambda: _push(hub),
        cut_after=lambda n: _cut(hub, n),
    )


@pytest.fixture
def torchvision(hub: HubServer, client: httpx.Client) -> Harness:
    endpoint = f"{hub.url}/pytorch/models/resolve/main"
    return Harness(
        TorchvisionSource(client, SystemClock(), endpoint=endpoint),
        SourceRef(f"resnet18/{WEIGHTS}"),
        SourceRef("resnet18"),
        name=WEIGHTS,
        change=lambda: _push(hub),
        cut_after=lambda n: _cut(hub, n),
    )


@pytest.fixture
def pytorch_hub(torchvision: Harness) -> Harness:
    return replace(
        torchvision,
        source=PytorchHubSource(torchvision.source),
        ref=SourceRef(f"pytorch/vision/resnet18/{WEIGHTS}"),
        unknown=SourceRef("pytorch/vision/resnet18"),
    )


@pytest.fixture
def local(tmp_path: Path) -> Harness:
    folder = tmp_path / "import" / "m"
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(CONTENT)
    source = LocalSource([tmp_path / "import"])

    def change() -> None:
        (folder / NAME).write_bytes(CONTENT[::-1] + b"more")

    return Harness(source, SourceRef("m"), SourceRef("none"), change=change)


@pytest.fixture
def memory() -> Harness:
    source = MemorySource({"m": {NAME: CONTENT}})

    def change() -> None:
        source.repos["m"][NAME] = CONTENT[::-1]

    return Harness(
        source, SourceRef("m"), SourceRef("none"), change=change, cut_after=source.cuts.append
    )


def _cut(hub: HubServer, count: int) -> None:
    hub.fail(Fault(kind=FaultKind.CUT, path="*m*", after_bytes=count))


def _push(hub: HubServer) -> None:
    for repo, name in zip(hub.repos(), (NAME, WEIGHTS), strict=True):
        repo.push({name: CONTENT[::-1]})


def read(harness: Harness, artifact: Artifact, offset: int) -> bytes:
    with harness.source.open(artifact, offset) as stream:
        assert stream.start == offset
        assert stream.total == len(CONTENT)
        return b"".join(stream)


def test_resolving_gives_a_revision_that_stays_and_the_files(harness: Harness) -> None:
    resolution = harness.source.resolve(harness.ref)
    assert len(resolution.revision) == 40
    assert harness.source.resolve(harness.ref) == resolution
    assert [(a.path, a.size) for a in resolution.artifacts] == [(harness.name, len(CONTENT))]


def test_unknown_model_is_not_found(harness: Harness) -> None:
    with pytest.raises(RepositoryNotFoundError):
        harness.source.resolve(harness.unknown)


def test_opening_gives_the_whole_content(harness: Harness) -> None:
    assert read(harness, harness.artifact(), 0) == CONTENT


def test_opening_at_an_offset_gives_the_rest(harness: Harness) -> None:
    assert read(harness, harness.artifact(), 100_001) == CONTENT[100_001:]


@pytest.mark.parametrize("harness", CUTTABLE, indirect=True)
def test_what_came_before_a_cut_is_good_and_the_rest_can_be_had(harness: Harness) -> None:
    assert harness.cut_after is not None
    artifact, pieces = harness.artifact(), list[bytes]()
    harness.cut_after(150_000)
    stream = harness.source.open(artifact, 0)
    with stream, pytest.raises(InterruptedTransferError):
        pieces.extend(stream)
    got = b"".join(pieces)
    assert got == CONTENT[: len(got)]
    assert 0 < len(got) < len(CONTENT)
    assert got + read(harness, artifact, len(got)) == CONTENT


@pytest.mark.parametrize("harness", CHANGING, indirect=True)
def test_another_version_is_not_taken_for_the_one_resolved(harness: Harness) -> None:
    assert harness.change is not None
    artifact = harness.artifact()
    harness.change()
    with pytest.raises(ArtifactChangedError):
        harness.source.open(artifact, 1000)
