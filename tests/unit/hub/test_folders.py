import json
from pathlib import Path

import pytest

from tests.hub.folders import open_folder
from tests.hub.repo import RepoKind


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "org/model"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    facts = {"pipeline_tag": "fill-mask", "branches": ["no_timm"]}
    (folder / ".hub.json").write_text(json.dumps(facts))
    return tmp_path


def test_a_branch_is_one_more_name_of_the_same_commit(root: Path) -> None:
    repo = open_folder(root, RepoKind.MODEL, "org/model")
    assert repo is not None
    assert repo.commit("no_timm") is repo.commit("main")
    assert repo.pipeline_tag == "fill-mask"
    with pytest.raises(KeyError):
        repo.commit("other")


@pytest.mark.parametrize("repo_id", ["org/none", "org", "../org/model", "org/.."])
def test_what_is_not_there_is_none(root: Path, repo_id: str) -> None:
    assert open_folder(root, RepoKind.MODEL, repo_id) is None
