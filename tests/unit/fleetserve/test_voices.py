from pathlib import Path

import pytest

from fleetserve.errors import ModelNotFoundError
from fleetserve.manifest import Manifest, publish_manifest
from fleetserve.voices import (
    OwnVoice,
    read_voices,
    speaks_like_recordings,
    voices_path,
    write_voices,
)


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    publish_manifest(tmp_path, Manifest("m", "local", "m", "r", "text-to-speech", (), 0, 0.0))
    return tmp_path


def test_voices_are_read_as_they_were_written_and_by_name(models_dir: Path) -> None:
    anna = OwnVoice((), 6.0, "voice-1.flac", "Hello.")
    voices = {"bo": OwnVoice((1.0, 2.0), 5.0), "anna": anna}
    write_voices(models_dir, "m", voices)
    assert read_voices(models_dir, "m") == voices
    assert list(read_voices(models_dir, "m")) == ["anna", "bo"]


def test_vectors_that_were_kept_before_there_were_recordings_are_read(models_dir: Path) -> None:
    voices_path(models_dir, "m").write_bytes(b'{"bo": {"embedding": [1.0], "created_at": 5.0}}')
    assert read_voices(models_dir, "m") == {"bo": OwnVoice((1.0,), 5.0)}


@pytest.mark.parametrize(
    ("path", "able"),
    [
        ("vallex-checkpoint.pt", True),
        ("old/VALL-E-X.pth", True),
        ("vallex.md", False),
        ("vallex/model.pt", False),
        ("model.safetensors", False),
    ],
)
def test_family_that_speaks_like_recordings_is_known_by_its_weights(path: str, able: bool) -> None:
    assert speaks_like_recordings(path) is able


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1}', b"[]"])
def test_broken_file_leaves_the_presets(models_dir: Path, content: bytes) -> None:
    voices_path(models_dir, "m").write_bytes(content)
    assert read_voices(models_dir, "m") == {}


def test_model_that_is_gone_is_told(tmp_path: Path) -> None:
    assert read_voices(tmp_path, "nobody") == {}
    with pytest.raises(ModelNotFoundError):
        write_voices(tmp_path, "nobody", {})
