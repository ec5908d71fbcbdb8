from collections.abc import Callable, Iterator

import httpx2 as httpx
import pytest

from fleetserve.clock import SystemClock
from fleetserve.errors import ForbiddenError, InvalidFieldError, UpstreamError
from model_registry_svc.source.base import (
    Artifact,
    RepositoryNotFoundError,
    SourceBusyError,
    SourceRef,
)
from model_registry_svc.source.huggingface import PUBLIC_HUB, HuggingFaceSource
from tests.hub import Fault, FaultKind, HubRepo, HubServer, RepoKind
from tests.hub.server import USER_TOKEN

CONFIG = b'{"model_type": "bert", "architectures": ["BertForMaskedLM"]}'
Make = Callable[..., HuggingFaceSource]


@pytest.fixture
def hub() -> Iterator[HubServer]:
    files: dict[str, bytes] = {"config.json": CONFIG, "model.safetensors": b"w" * 5000}
    repos = [
        HubRepo("org/m", files=files, pipeline_tag="fill-mask", tags=("x",)),
        HubRepo("org/gated", files=files, gated="manual", allowed=frozenset({USER_TOKEN})),
        HubRepo("org/private", files=files, private=True, allowed=frozenset({USER_TOKEN})),
        HubRepo("org/disabled", files=files, disabled=True),
        HubRepo("Org/demo", kind=RepoKind.SPACE, files={"v.npy": b"v" * 10}),
    ]
    with HubServer(repos) as server:
        yield server


@pytest.fixture
def make(hub: HubServer) -> Iterator[Make]:
    with httpx.Client() as client:
        yield lambda token="", endpoint=hub.url: HuggingFaceSource(
            client, SystemClock(), endpoint=endpoint, token=token
        )


def test_resolved_is_the_commit_with_sizes_digests_and_hints(hub: HubServer, make: Make) -> None:
    resolution = make().resolve(SourceRef("org/m"))
    assert resolution.revision == hub.repos()[0].sha
    config, weights = resolution.artifacts
    assert (config.path, config.size, config.sha256) == ("config.json", len(CONFIG), None)
    assert len(config.git_sha1 or "") == 40
    assert (weights.size, weights.git_sha1) == (5000, None)
    assert len(weights.sha256 or "") == 64
    hints = resolution.hints
    assert (hints.pipeline_tag, hints.model_type) == ("fill-mask", "bert")
    assert hints.architectures == ("BertForMaskedLM",)
    assert "x" in hints.tags


def test_revision_may_be_a_branch_a_tag_or_a_commit(hub: HubServer, make: Make) -> None:
    repo = hub.repos()[0]
    first = repo.sha
    repo.tag("v1")
    repo.push({"config.json": b"{}"})
    for revision in ("v1", first):
        assert make().resolve(SourceRef("org/m", revision)).revision == first
    assert make().resolve(SourceRef("org/m", "main")).revision == repo.sha != first


@pytest.mark.parametrize("ref", [SourceRef("org/none"), SourceRef("org/m", "v9")])
def test_what_is_not_there_is_not_found_with_a_way(make: Make, ref: SourceRef) -> None:
    with pytest.raises(RepositoryNotFoundError, match="HF_TOKEN"):
        make().resolve(ref)
    with pytest.raises(RepositoryNotFoundError):
        make(USER_TOKEN).resolve(ref)


def test_gated_repository_says_how_to_get_in(hub: HubServer, make: Make) -> None:
    with pytest.raises(ForbiddenError, match=r"no HF_TOKEN.*/settings/tokens") as caught:
        make().resolve(SourceRef("org/gated"))
    assert caught.value.code == "gated_repository"
    assert len(make(USER_TOKEN).resolve(SourceRef("org/gated")).artifacts) == 2
    hub.tokens = hub.tokens | {"hf_other"}
    with pytest.raises(ForbiddenError, match="has no access"):
        make("hf_other").resolve(SourceRef("org/gated"))


def test_private_repository_is_seen_with_its_token_only(make: Make) -> None:
    with pytest.raises(RepositoryNotFoundError):
        make().resolve(SourceRef("org/private"))
    assert make(USER_TOKEN).resolve(SourceRef("org/private")).artifacts


def test_token_that_the_hub_refuses_is_told(make: Make) -> None:
    with pytest.raises(ForbiddenError, match="Is HF_TOKEN right"):
        make("hf_wrong").resolve(SourceRef("org/m"))


def test_token_goes_to_the_hub_and_not_to_its_cdn(hub: HubServer, make: Make) -> None:
    source = make(USER_TOKEN)
    weights = source.resolve(SourceRef("org/gated")).artifacts[1]
    hub.log.clear()
    with source.open(weights, 0) as stream:
        assert len(b"".join(stream)) == 5000
    assert {r.where: r.authorized for r in hub.log.all()} == {"resolve": True, "cdn": False}


def test_address_of_the_public_hub_is_fetched_from_this_one(make: Make) -> None:
    address = f"{PUBLIC_HUB}/spaces/Org/demo/resolve/main/v.npy"
    with make().open(Artifact("v.npy", address), 0) as stream:
        assert b"".join(stream) == b"v" * 10


@pytest.mark.parametrize("status", [429, 500, 503])
def test_busy_hub_may_be_asked_again_when_it_says(hub: HubServer, make: Make, status: int) -> None:
    hub.fail(Fault(kind=FaultKind.STATUS, where="api", status=status, retry_after_s=9))
    with pytest.raises(SourceBusyError) as caught:
        make().resolve(SourceRef("org/m"))
    assert caught.value.retry_after_s == 9.0


def test_hub_that_is_not_there_is_named(make: Make) -> None:
    with pytest.raises(UpstreamError, match="HF_ENDPOINT") as caught:
        make(endpoint="http://127.0.0.1:1").resolve(SourceRef("org/m"))
    assert caught.value.code == "hub_unreachable"


def test_id_that_cannot_be_one_is_refused_by_its_field(make: Make) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        make().resolve(SourceRef("../../etc"))
    assert caught.value.field == "model_id"


def test_nothing_but_what_is_needed_is_asked_of_the_hub(hub: HubServer, make: Make) -> None:
    make().resolve(SourceRef("org/m"))
    assert [r.path for r in hub.log.all()] == ["/api/models/org/m"]
