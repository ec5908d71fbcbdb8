from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_download
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
)

from tests.hub import HubRepo, HubServer
from tests.hub.server import USER_TOKEN

OTHER = "hf_other"


@pytest.fixture
def closed() -> Iterator[HubServer]:
    allowed = frozenset({USER_TOKEN})
    files = {"config.json": b"{}"}
    repos = [
        HubRepo("acme/gated", gated="manual", allowed=allowed, files=files),
        HubRepo("acme/private", private=True, allowed=allowed, files=files),
        HubRepo("acme/disabled", disabled=True, files=files),
    ]
    with HubServer(repos, tokens=frozenset({USER_TOKEN, OTHER})) as hub:
        yield hub


@pytest.mark.parametrize(("token", "status"), [(False, 401), (OTHER, 403)])
def test_gated_files_are_refused_but_its_card_is_open(
    closed: HubServer, tmp_path: Path, token: str | bool, status: int
) -> None:
    assert HfApi(endpoint=closed.url, token=token).model_info("acme/gated").gated == "manual"
    with pytest.raises(GatedRepoError) as caught:
        hf_hub_download(
            "acme/gated", "config.json", cache_dir=tmp_path, endpoint=closed.url, token=token
        )
    assert caught.value.response.status_code == status


@pytest.mark.parametrize("repo", ["acme/gated", "acme/private"])
def test_allowed_token_reads(closed: HubServer, tmp_path: Path, repo: str) -> None:
    path = hf_hub_download(
        repo, "config.json", cache_dir=tmp_path, endpoint=closed.url, token=USER_TOKEN
    )
    assert Path(path).read_bytes() == b"{}"


@pytest.mark.parametrize("repo", ["acme/private", "acme/absent"])
@pytest.mark.parametrize(("token", "status"), [(False, 401), (OTHER, 404)])
def test_private_looks_like_absent(
    closed: HubServer, repo: str, token: str | bool, status: int
) -> None:
    with pytest.raises(RepositoryNotFoundError) as caught:
        HfApi(endpoint=closed.url, token=token).model_info(repo)
    assert caught.value.response.status_code == status


def test_unknown_token_is_refused_everywhere(closed: HubServer) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi(endpoint=closed.url, token="hf_wrong").model_info("acme/gated")
    assert caught.value.response.status_code == 401
    assert not isinstance(caught.value, RepositoryNotFoundError)


def test_disabled_repository_refuses_downloads(closed: HubServer) -> None:
    with pytest.raises(DisabledRepoError):
        get_hf_file_metadata(f"{closed.url}/acme/disabled/resolve/main/config.json")


def test_whoami_knows_the_token(closed: HubServer) -> None:
    assert HfApi(endpoint=closed.url).whoami(USER_TOKEN)["type"] == "user"
