import json
import struct
from pathlib import Path

import pytest

from fleetserve.manifest import Manifest, ManifestFile, publish_manifest
from model_registry_svc.library import Library


def manifest(name: str, *paths: str) -> Manifest:
    files = tuple(ManifestFile(p, 1, "ab" * 32) for p in paths)
    return Manifest(name, "huggingface", f"org/{name}", "rev", "fill-mask", files, 5, 0.0)


def write_safetensors(path: Path, shapes: dict[str, list[int]]) -> None:
    header = {
        k: {"dtype": "I64" if "ids" in k else "F32", "shape": s, "data_offsets": [0, 0]}
        for k, s in shapes.items()
    }
    raw = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(raw)) + raw)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    publish_manifest(tmp_path, manifest("whisper_base", "model.safetensors"))
    return Library(tmp_path)


def test_two_spellings_find_one_model(library: Library) -> None:
    found = library.find("Whisper-BASE")
    assert found is not None
    assert found.name == "whisper_base"
    assert library.folder_name("whisper-base") == "whisper_base"
    assert library.find("whisper") is None


def test_download_without_a_manifest_is_no_model_but_has_a_folder(library: Library) -> None:
    (library.models_dir / "half" / ".partial").mkdir(parents=True)
    assert library.find("half") is None
    assert library.folder_name("half") == "half"


def test_manifest_that_cannot_be_read_hides_no_other(library: Library) -> None:
    (library.models_dir / "bad").mkdir()
    (library.models_dir / "bad" / "manifest.json").write_text("{")
    assert [m.name for m in library.manifests()] == ["whisper_base"]


def test_trash_is_no_model(library: Library) -> None:
    publish_manifest(library.models_dir, manifest(".trash"))
    assert [m.name for m in library.manifests()] == ["whisper_base"]


def test_volume_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    assert Library(tmp_path / "none").manifests() == []
    assert Library(tmp_path / "none").folder_name("m") is None


def test_all_files_of_a_model_are_measured(library: Library) -> None:
    (library.models_dir / "whisper_base" / ".partial").mkdir()
    (library.models_dir / "whisper_base" / ".partial" / "x.part").write_bytes(b"x" * 1000)
    own = (library.models_dir / "whisper_base" / "manifest.json").stat().st_size
    assert library.disk_bytes("whisper_base") == own + 1000


def test_parameters_are_counted_in_the_headers(library: Library) -> None:
    folder = library.models_dir / "whisper_base" / "rev"
    write_safetensors(
        folder / "model.safetensors",
        {"a": [2, 3], "b": [4], "scalar": [], "position_ids": [1, 512]},
    )
    write_safetensors(folder / "vocoder" / "model.safetensors", {"a": [1000]})
    paths = ("model.safetensors", "vocoder/model.safetensors")
    assert library.parameters(manifest("whisper_base", *paths)) == 11


def test_parameters_of_a_pickle_are_not_looked_for(library: Library) -> None:
    assert library.parameters(manifest("whisper_base", "pytorch_model.bin")) is None


@pytest.mark.parametrize("content", [b"", b"\xff" * 16, struct.pack("<Q", 2) + b"[]"])
def test_weights_that_cannot_be_read_have_no_count(library: Library, content: bytes) -> None:
    folder = library.models_dir / "whisper_base" / "rev"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(content)
    counted = library.parameters(manifest("whisper_base", "model.safetensors"))
    assert counted in {None, 0}
