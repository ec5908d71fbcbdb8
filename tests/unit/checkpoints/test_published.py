import hashlib
from pathlib import Path

import pytest

from fleetserve.manifest import read_manifest, revision_dir
from fleetserve.tasks import Task
from tests.checkpoints.published import publish_speecht5, publish_whisper


def test_speech_model_is_published_with_vocoder_and_voice(tmp_path: Path) -> None:
    folder = publish_speecht5(tmp_path)
    manifest = read_manifest(tmp_path, "speecht5_tts")
    assert revision_dir(tmp_path, manifest) == folder
    assert manifest.task == Task.TEXT_TO_SPEECH
    assert manifest.vocoder is not None
    paths = {file.path for file in manifest.files}
    assert {"config.json", "vocoder/config.json", "voices/default.npy"} <= paths


@pytest.mark.parametrize("part", ["vocoder", "default_voice"])
def test_parts_can_be_left_out(tmp_path: Path, part: str) -> None:
    folder = publish_speecht5(
        tmp_path, vocoder=part != "vocoder", default_voice=part != "default_voice"
    )
    assert (folder / "vocoder").exists() is (part != "vocoder")
    assert (folder / "voices").exists() is (part != "default_voice")


def test_manifest_tells_the_truth_of_every_file(tmp_path: Path) -> None:
    folder = publish_whisper(tmp_path)
    manifest = read_manifest(tmp_path, "whisper-base")
    assert manifest.size_bytes == sum(file.size for file in manifest.files)
    for file in manifest.files:
        data = (folder / file.path).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size, file.sha256)
