import hashlib

import httpx
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile, RepoFolder

from tests.hub import HubRepo, HubServer
from tests.unit.hub.conftest import MODEL, WEIGHTS


def test_model_info_gives_commit_task_tags_and_sizes(hub: HubServer, api: HfApi) -> None:
    info = api.model_info(MODEL, files_metadata=True)
    assert info.sha == hub.repos()[0].sha
    assert info.pipeline_tag == "feature-extraction"
    assert "small" in (info.tags or [])
    assert info.config == {"model_type": "bert", "architectures": ["BertModel"]}
    sizes = {sibling.rfilename: sibling for sibling in info.siblings or []}
    weights = sizes["model.safetensors"]
    assert weights.size == len(WEIGHTS)
    assert weights.lfs is not None
    assert weights.lfs.size == len(WEIGHTS)
    assert sizes["config.json"].lfs is None
    assert len(sizes["config.json"].blob_id or "") == 40


def test_model_info_without_blobs_gives_names_only(api: HfApi) -> None:
    info = api.model_info(MODEL)
    siblings = info.siblings or []
    assert {s.rfilename for s in siblings} >= {"config.json", "1_Pooling/config.json"}
    assert all(s.size is None for s in siblings)


def test_dataset_and_space_info(api: HfApi) -> None:
    rows = api.dataset_info("acme/rows", files_metadata=True).siblings or []
    assert [row.lfs is not None for row in rows] == [True]
    demo = api.space_info("acme/demo").siblings or []
    assert [file.rfilename for file in demo] == ["spkemb/slt.npy"]


def test_tree_lists_folders_and_files(api: HfApi) -> None:
    top = {entry.path: entry for entry in api.list_repo_tree(MODEL)}
    assert isinstance(top["1_Pooling"], RepoFolder)
    assert "1_Pooling/config.json" not in top
    deep = {e.path: e for e in api.list_repo_tree(MODEL, recursive=True)}
    assert isinstance(deep["1_Pooling/config.json"], RepoFile)
    weights = deep["model.safetensors"]
    assert isinstance(weights, RepoFile)
    assert weights.lfs is not None
    assert weights.lfs.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    inner = [e.path for e in api.list_repo_tree(MODEL, "1_Pooling")]
    assert inner == ["1_Pooling/config.json"]


def test_long_tree_comes_in_pages(hub: HubServer, api: HfApi) -> None:
    hub.add(HubRepo("acme/many", files={f"f{i:04}.txt": b"x" for i in range(2003)}))
    assert len(list(api.list_repo_tree("acme/many", recursive=True))) == 2003
    assert len([r for r in hub.log.all() if "tree" in r.path]) == 3


def test_paths_info_and_refs(hub: HubServer, api: HfApi) -> None:
    repo = hub.repos()[0]
    repo.tag("v1")
    found = api.get_paths_info(MODEL, ["config.json", "absent"])
    assert [entry.path for entry in found] == ["config.json"]
    refs = api.list_repo_refs(MODEL)
    assert [ref.name for ref in refs.branches] == ["main"]
    assert refs.tags[0].target_commit == repo.sha


def test_unknown_revision_is_revision_not_found(api: HfApi) -> None:
    with pytest.raises(RevisionNotFoundError):
        api.model_info(MODEL, revision="nowhere")


def test_expand_gives_only_the_named_keys(client: httpx.Client) -> None:
    found = client.get(f"/api/models/{MODEL}", params={"expand": ["sha", "gated"]}).json()
    assert set(found) == {"_id", "id", "sha", "gated"}


def test_no_such_route_is_404(client: httpx.Client) -> None:
    assert client.get("/api/nothing/here").status_code == 404
