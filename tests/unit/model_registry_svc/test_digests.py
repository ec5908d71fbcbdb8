import hashlib
from pathlib import Path

from model_registry_svc.digests import ContentHash
from model_registry_svc.source.base import Artifact

DATA = b"hello\n"
# What `git hash-object` says of it.
GIT = "ce013625030ba8dba906f756967f9e9ca394464a"
SHA256 = hashlib.sha256(DATA).hexdigest()


def hashed(artifact: Artifact, data: bytes = DATA) -> ContentHash:
    content = ContentHash(artifact)
    content.update(data[:2])
    content.update(data[2:])
    return content


def test_right_digests_match() -> None:
    assert hashed(Artifact("a", "a", 6, sha256=SHA256)).mismatch() is None
    assert hashed(Artifact("a", "a", 6, git_sha1=GIT)).mismatch() is None


def test_wrong_digests_are_named() -> None:
    wrong = hashed(Artifact("a", "a", 6, sha256=SHA256), b"jello\n").mismatch()
    assert wrong is not None
    assert wrong.endswith(f"instead of {SHA256}")
    assert "git sha1" in (hashed(Artifact("a", "a", 6, git_sha1="0" * 40)).mismatch() or "")


def test_first_digits_are_enough_where_only_those_are_known() -> None:
    assert hashed(Artifact("a", "a", 6, sha256=SHA256[:8])).mismatch() is None
    wrong = hashed(Artifact("a", "a", 6, sha256="0123abcd")).mismatch()
    assert wrong == f"sha256 {SHA256} instead of 0123abcd"


def test_nothing_is_checked_where_no_digest_is_known() -> None:
    assert not ContentHash(Artifact("a", "a", 6)).is_checked
    assert not ContentHash(Artifact("a", "a", git_sha1=GIT)).is_checked
    assert hashed(Artifact("a", "a", 6)).mismatch() is None


def test_file_on_disk_counts_as_what_came(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(DATA[:4])
    content = ContentHash(Artifact("a", "a", 6, sha256=SHA256))
    assert content.update_from(tmp_path / "f") == 4
    content.update(DATA[4:])
    assert content.mismatch() is None
