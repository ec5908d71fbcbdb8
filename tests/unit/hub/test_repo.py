import hashlib
import subprocess
from pathlib import Path

import pytest

from tests.hub import HubRepo


def test_blob_ids_are_gits_own(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello\n")
    known = subprocess.run(
        ["git", "hash-object", "--no-filters", path], capture_output=True, text=True, check=True
    )
    file = HubRepo("a/b", tmp_path).commit("main").files["a.txt"]
    assert file.blob_id == known.stdout.strip() == file.etag


def test_lfs_by_pattern_and_by_size(tmp_path: Path) -> None:
    files = {"w.bin": b"1", "big.txt": b"x" * 100, "small.txt": b"x"}
    found = HubRepo("a/b", files=files, lfs_threshold=100).commit("main").files
    assert {path for path, file in found.items() if file.is_lfs} == {"w.bin", "big.txt"}
    assert found["w.bin"].etag == hashlib.sha256(b"1").hexdigest()


def test_same_folder_gives_the_same_commit(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    assert HubRepo("a/b", tmp_path).sha == HubRepo("a/b", tmp_path).sha
    assert HubRepo("a/b", tmp_path).sha != HubRepo("a/c", tmp_path).sha


def test_revisions_are_found_by_branch_tag_ref_and_short_hash() -> None:
    repo = HubRepo("a/b", files={"f": b"1"})
    first = repo.sha
    repo.tag("v1")
    second = repo.push({"f": b"2"})
    repo.push({"f": b"3"}, branch="dev")
    assert repo.commit("v1").sha == repo.commit(first[:8]).sha == first
    assert repo.commit("refs/heads/main").sha == repo.sha == second
    assert repo.commit("dev").files["f"].content.read(0, 9) == b"3"
    with pytest.raises(KeyError):
        repo.commit("deadbeef")


def test_push_removes_and_adds() -> None:
    repo = HubRepo("a/b", files={"old": b"1", "kept": b"2"})
    repo.push({"new": b"3"}, remove=["old"])
    assert list(repo.commit("main").files) == ["kept", "new"]


def test_alter_changes_one_byte_each_time() -> None:
    repo = HubRepo("a/b", files={"f": b"0000"})
    seen = {repo.commit(repo.alter("f")).files["f"].sha256 for _ in range(3)}
    assert len(seen) == 3
    assert repo.commit("main").files["f"].size == 4
