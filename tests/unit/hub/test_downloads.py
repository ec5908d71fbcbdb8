from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, RevisionNotFoundError

from tests.hub import HubRepo, HubServer
from tests.hub.downloads import Redirects
from tests.unit.hub.conftest import MODEL, WEIGHTS


@pytest.mark.parametrize("redirects", ["cdn", "relative", "none"])
def test_snapshot_equals_the_folder_with_every_kind_of_redirect(
    redirects: Redirects, folder: Path, tmp_path: Path
) -> None:
    with HubServer([HubRepo(MODEL, folder)], redirects=redirects) as hub:
        got = Path(snapshot_download(MODEL, cache_dir=tmp_path / "cache", endpoint=hub.url))
        assert got.name == hub.repos()[0].sha
        for path in folder.rglob("*"):
            if path.is_file():
                assert (got / path.relative_to(folder)).read_bytes() == path.read_bytes()
        assert hub.log.bytes_sent("model.safetensors") == len(WEIGHTS)


def test_dataset_and_space_files_download(hub: HubServer, tmp_path: Path) -> None:
    for repo_id, kind, name in [
        ("acme/rows", "dataset", "data/0000.parquet"),
        ("acme/demo", "space", "spkemb/slt.npy"),
    ]:
        path = hf_hub_download(repo_id, name, repo_type=kind, cache_dir=tmp_path, endpoint=hub.url)
        assert Path(path).stat().st_size > 0


def test_metadata_of_a_large_file_names_its_sha256_and_the_cdn(hub: HubServer, api: HfApi) -> None:
    file = hub.repos()[0].commit("main").files["model.safetensors"]
    found = get_hf_file_metadata(f"{hub.url}/{MODEL}/resolve/main/model.safetensors")
    assert (found.etag, found.size) == (file.sha256, len(WEIGHTS))
    assert found.commit_hash == hub.repos()[0].sha
    assert urlsplit(found.location).port == hub.cdn_port


def test_metadata_of_a_small_file_names_its_git_blob(hub: HubServer) -> None:
    file = hub.repos()[0].commit("main").files["config.json"]
    found = get_hf_file_metadata(f"{hub.url}/{MODEL}/resolve/main/config.json")
    assert (found.etag, found.size) == (file.blob_id, file.size)


def test_missing_file_and_missing_revision_have_their_own_errors(
    hub: HubServer, tmp_path: Path
) -> None:
    with pytest.raises(EntryNotFoundError):
        hf_hub_download(MODEL, "absent", cache_dir=tmp_path, endpoint=hub.url)
    with pytest.raises(RevisionNotFoundError):
        hf_hub_download(MODEL, "x", revision="no", cache_dir=tmp_path, endpoint=hub.url)


def test_old_commit_stays_after_a_push(hub: HubServer, client: httpx.Client) -> None:
    repo = hub.repos()[0]
    old = repo.sha
    new = repo.push({"config.json": b'{"new": 1}'})
    assert client.get(f"/{MODEL}/resolve/main/config.json").json() == {"new": 1}
    assert client.get(f"/{MODEL}/resolve/{old}/config.json").json()["model_type"] == "bert"
    assert client.head(f"/{MODEL}/resolve/main/config.json").headers["X-Repo-Commit"] == new


def test_quoted_revision_is_one_segment(hub: HubServer, client: httpx.Client) -> None:
    repo = hub.repos()[1]
    repo.push({"default/0000.parquet": b"PAR1"}, branch="refs/convert/parquet")
    address = "/datasets/acme/rows/resolve/refs%2Fconvert%2Fparquet/default/0000.parquet"
    assert client.get(address).content == b"PAR1"


def test_range_resumes_and_reports_what_is_sent(hub: HubServer, client: httpx.Client) -> None:
    address = f"/{MODEL}/resolve/main/model.safetensors"
    answer = client.get(address, headers={"Range": "bytes=100000-"})
    assert answer.status_code == 206
    assert answer.content == WEIGHTS[100000:]
    assert answer.headers["Content-Range"] == f"bytes 100000-{len(WEIGHTS) - 1}/{len(WEIGHTS)}"
    beyond = client.get(address, headers={"Range": f"bytes={len(WEIGHTS)}-"})
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{len(WEIGHTS)}"


def test_if_match_of_a_changed_file_is_412(hub: HubServer, client: httpx.Client) -> None:
    address = f"/{MODEL}/resolve/main/model.safetensors"
    repo = hub.repos()[0]
    etag = repo.commit("main").files["model.safetensors"].etag
    headers = {"If-Match": f'"{etag}"', "Range": "bytes=10-"}
    assert client.get(address, headers=headers).status_code == 206
    repo.alter("model.safetensors")
    assert client.get(address, headers=headers).status_code == 412


def test_token_does_not_reach_the_cdn_and_an_unsigned_address_is_refused(
    hub: HubServer, tmp_path: Path
) -> None:
    token = next(iter(hub.tokens))
    hf_hub_download(MODEL, "model.safetensors", cache_dir=tmp_path, endpoint=hub.url, token=token)
    cdn = [record for record in hub.log.all() if record.where == "cdn"]
    assert cdn
    assert not any(record.authorized for record in cdn)
    unsigned = cdn[0].path
    assert httpx.get(f"http://127.0.0.1:{hub.cdn_port}{unsigned}").status_code == 403
