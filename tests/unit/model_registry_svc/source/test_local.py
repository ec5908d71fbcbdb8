import os
from pathlib import Path

import pytest

from fleetserve.errors import ForbiddenError
from model_registry_svc.source.base import ArtifactChangedError, SourceRef
from model_registry_svc.source.local import LocalSource


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "import"
    (folder / "m" / "1_Pooling").mkdir(parents=True)
    (folder / "m" / "config.json").write_text('{"model_type": "bert"}')
    (folder / "m" / "1_Pooling" / "config.json").write_text("{}")
    (tmp_path / "secret").write_text("s")
    return folder


@pytest.fixture
def source(root: Path) -> LocalSource:
    return LocalSource([root])


@pytest.mark.parametrize("absolute", [True, False])
def test_folder_gives_its_files_and_hints(source: LocalSource, root: Path, absolute: bool) -> None:
    resolution = source.resolve(SourceRef(str(root / "m") if absolute else "m"))
    assert [a.path for a in resolution.artifacts] == ["1_Pooling/config.json", "config.json"]
    assert resolution.hints.model_type == "bert"
    assert resolution.hints.library_name is None


def test_single_file_is_a_model_too(source: LocalSource, root: Path) -> None:
    (root / "x.pt2").write_bytes(b"x")
    (found,) = source.resolve(SourceRef("x.pt2")).artifacts
    assert (found.path, found.size) == ("x.pt2", 1)


def test_sentence_models_are_known_by_their_modules(source: LocalSource, root: Path) -> None:
    (root / "m" / "modules.json").write_text("[]")
    (root / "m" / "config.json").write_text("not json")
    assert source.resolve(SourceRef("m")).hints.library_name == "sentence-transformers"


@pytest.mark.parametrize("model_id", ["../secret", "/etc/passwd", "m/../../secret"])
def test_nothing_outside_the_roots_is_read(source: LocalSource, model_id: str) -> None:
    with pytest.raises(ForbiddenError, match="local_roots"):
        source.resolve(SourceRef(model_id))


def test_links_lead_out_of_nothing(source: LocalSource, root: Path, tmp_path: Path) -> None:
    (root / "m" / "model.safetensors").symlink_to(tmp_path / "secret")
    with pytest.raises(ForbiddenError):
        source.resolve(SourceRef("m"))


def test_without_roots_nothing_can_be_imported() -> None:
    with pytest.raises(ForbiddenError, match="none is configured"):
        LocalSource([]).resolve(SourceRef("m"))


def test_changed_file_is_another_revision(source: LocalSource, root: Path) -> None:
    before = source.resolve(SourceRef("m"))
    path = root / "m" / "config.json"
    os.utime(path, ns=(0, 0))
    assert source.resolve(SourceRef("m")).revision != before.revision
    with pytest.raises(ArtifactChangedError):
        source.open(before.artifacts[1], 0)
    path.unlink()
    with pytest.raises(Exception, match=r"no|gone|any more"):
        source.open(before.artifacts[1], 0)
