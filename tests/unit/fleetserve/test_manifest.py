from pathlib import Path

import msgspec
import pytest

from fleetserve.errors import ModelNotFoundError, NotFoundError
from fleetserve.manifest import (
    Manifest,
    ManifestFile,
    VocoderSource,
    keep_manifest,
    list_manifests,
    manifest_path,
    publish_manifest,
    read_manifest,
    revision_dir,
)


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        name="speecht5_tts",
        source="huggingface",
        model_id="microsoft/speecht5_tts",
        revision="abc123",
        task="text-to-speech",
        files=(ManifestFile("config.json", 2, "ff"),),
        size_bytes=2,
        created_at=1.5,
        vocoder=VocoderSource("microsoft/speecht5_hifigan", "def456"),
    )


def test_published_manifest_is_read_as_it_was(tmp_path: Path, manifest: Manifest) -> None:
    publish_manifest(tmp_path, manifest)
    assert read_manifest(tmp_path, "speecht5_tts") == manifest


def test_files_lie_in_the_folder_of_the_revision(tmp_path: Path, manifest: Manifest) -> None:
    assert revision_dir(tmp_path, manifest) == tmp_path / "speecht5_tts" / "abc123"


def test_next_revision_takes_the_place_of_the_last(tmp_path: Path, manifest: Manifest) -> None:
    publish_manifest(tmp_path, manifest)
    publish_manifest(tmp_path, msgspec.structs.replace(manifest, revision="next"))
    assert read_manifest(tmp_path, "speecht5_tts").revision == "next"
    assert [p.name for p in (tmp_path / "speecht5_tts").iterdir()] == ["manifest.json"]


@pytest.mark.parametrize(
    "name",
    ["absent", "", ".", "..", "../speecht5_tts", "a/b", ".hidden", "a\0b", "\ud800", "x" * 300],
)
def test_name_without_a_manifest_is_no_model(tmp_path: Path, manifest: Manifest, name: str) -> None:
    publish_manifest(tmp_path / "models", manifest)
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    with pytest.raises(ModelNotFoundError):
        read_manifest(tmp_path / "models", name)


def test_folder_without_a_manifest_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    with pytest.raises(ModelNotFoundError):
        read_manifest(tmp_path, "half")


def test_manifests_are_listed_by_name(tmp_path: Path, manifest: Manifest) -> None:
    for name in ("b", "a"):
        publish_manifest(tmp_path, msgspec.structs.replace(manifest, name=name))
    (tmp_path / "half").mkdir()
    assert [m.name for m in list_manifests(tmp_path)] == ["a", "b"]


def test_model_deleted_while_listing_is_left_out(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_manifest(tmp_path, manifest)
    gone = manifest_path(tmp_path, "gone")
    monkeypatch.setattr(Path, "glob", lambda *_: [gone, manifest_path(tmp_path, manifest.name)])
    assert list_manifests(tmp_path) == [manifest]


def test_no_models_folder_is_no_models(tmp_path: Path) -> None:
    assert list_manifests(tmp_path / "absent") == []


def test_manifest_path_is_where_it_is_published(tmp_path: Path, manifest: Manifest) -> None:
    publish_manifest(tmp_path, manifest)
    assert manifest_path(tmp_path, manifest.name).is_file()


def test_revision_that_is_kept_is_read_beside_the_published_one(
    tmp_path: Path, manifest: Manifest
) -> None:
    other = msgspec.structs.replace(manifest, revision="rev-2", previous_revision="x")
    publish_manifest(tmp_path, manifest)
    keep_manifest(tmp_path, other)
    assert read_manifest(tmp_path, manifest.name) == manifest
    assert read_manifest(tmp_path, manifest.name, manifest.revision) == manifest
    assert read_manifest(tmp_path, manifest.name, "rev-2") == other
    assert list_manifests(tmp_path) == [manifest]


@pytest.mark.parametrize("revision", ["absent", "../other", "a/../../manifest"])
def test_revision_that_is_not_here_is_said(
    tmp_path: Path, manifest: Manifest, revision: str
) -> None:
    publish_manifest(tmp_path, manifest)
    with pytest.raises(NotFoundError, match="is not here as revision"):
        read_manifest(tmp_path, manifest.name, revision)
