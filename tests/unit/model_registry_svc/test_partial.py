import os
from pathlib import Path

from model_registry_svc.partial import PartialFile
from model_registry_svc.source.base import Artifact

ARTIFACT = Artifact("a/b.bin", "addr", 4, sha256="ab" * 32)


def write(partial: PartialFile, data: bytes, offset: int = 0) -> None:
    descriptor = partial.open_at(offset)
    os.write(descriptor, data)
    os.close(descriptor)


def test_it_is_named_by_its_content(tmp_path: Path) -> None:
    assert PartialFile(tmp_path, ARTIFACT).path.name == f"{'ab' * 32}.part"
    git = Artifact("a", "addr", 4, git_sha1="cd" * 20)
    assert PartialFile(tmp_path, git).path.name == f"{'cd' * 20}.part"


def test_digest_that_is_none_never_names_a_file(tmp_path: Path) -> None:
    hostile = Artifact("a", "addr", 4, sha256="../../x")
    assert PartialFile(tmp_path, hostile).path.parent == tmp_path
    assert len(PartialFile(tmp_path, hostile).path.stem) == 64


def test_writing_goes_on_at_an_offset_and_cuts_what_was_beyond(tmp_path: Path) -> None:
    partial = PartialFile(tmp_path / "new", ARTIFACT)
    assert partial.size() == 0
    write(partial, b"abXXXX")
    write(partial, b"cd", offset=2)
    assert partial.path.read_bytes() == b"abcd"
    assert partial.size() == 4


def test_validator_is_kept_beside_it(tmp_path: Path) -> None:
    partial = PartialFile(tmp_path, ARTIFACT)
    assert partial.validator() is None
    partial.keep_validator('"v1"')
    assert partial.validator() == '"v1"'
    partial.keep_validator(None)
    assert partial.validator() is None


def test_finishing_moves_it_into_place_and_leaves_nothing(tmp_path: Path) -> None:
    partial = PartialFile(tmp_path / "parts", ARTIFACT)
    write(partial, b"abcd")
    partial.keep_validator('"v"')
    partial.finish(tmp_path / "rev" / "a" / "b.bin")
    assert (tmp_path / "rev" / "a" / "b.bin").read_bytes() == b"abcd"
    assert list((tmp_path / "parts").iterdir()) == []


def test_discarding_twice_is_as_once(tmp_path: Path) -> None:
    partial = PartialFile(tmp_path, ARTIFACT)
    write(partial, b"ab")
    partial.discard()
    partial.discard()
    assert partial.size() == 0
