from pathlib import Path

import pytest

from audio_svc.loader import AudioLoader, DeviceTools
from audio_svc.settings import AudioSettings
from fleetserve.clock import SystemClock
from fleetserve.errors import ConflictError, InvalidFieldError, ModelNotFoundError
from fleetserve.manifest import Manifest, ManifestFile
from fleetserve.replica.models import ModelSpec
from fleetserve.replica.slot import ComputeSlot
from fleetserve.tasks import Task
from tests.unit.audio_svc.memory_models import FAMILIES, REVISION, TONE, publish


@pytest.fixture
def models_dir(settings: AudioSettings) -> Path:
    return settings.service.models_dir


@pytest.fixture
def tone_folder(models_dir: Path) -> Path:
    return publish(models_dir, TONE, TONE, Task.TEXT_TO_SPEECH)


def test_published_model_is_found_with_its_folder(loader: AudioLoader, tone_folder: Path) -> None:
    spec = loader.find(TONE)
    assert (spec.name, spec.revision, spec.task) == (TONE, REVISION, Task.TEXT_TO_SPEECH)
    assert spec.folder == tone_folder
    assert spec.expected_bytes == 64


def test_unknown_model_is_not_found(loader: AudioLoader) -> None:
    with pytest.raises(ModelNotFoundError):
        loader.find("nobody")


def test_model_of_another_service_is_told_its_route(loader: AudioLoader, models_dir: Path) -> None:
    publish(models_dir, "minilm", "bert", Task.FEATURE_EXTRACTION)
    with pytest.raises(InvalidFieldError, match="/predict"):
        loader.find("minilm")


def test_family_without_an_engine_is_refused(loader: AudioLoader, models_dir: Path) -> None:
    publish(models_dir, "bark", "bark", Task.TEXT_TO_SPEECH)
    with pytest.raises(InvalidFieldError, match="engines here load tone, fixed"):
        loader.find("bark")


def test_incomplete_model_is_a_conflict_that_says_what_is_missing(
    loader: AudioLoader, tone_folder: Path
) -> None:
    (tone_folder / "broken").touch()
    with pytest.raises(ConflictError, match="tuning fork"):
        loader.find(TONE)


def test_loaded_model_speaks_and_is_measured(loader: AudioLoader, tone_folder: Path) -> None:
    loader.prepare()
    spec = loader.find(TONE)
    loaded = loader.load(spec)
    assert loaded.bytes == 64
    assert loaded.dtype == "float32"
    assert loaded.model.speech is not None
    assert loaded.model.transcription is None
    loader.unload(spec, loaded.model)


def test_room_is_unknown_before_the_device_is(loader: AudioLoader) -> None:
    assert loader.free_bytes() == -1
    loader.prepare()
    assert loader.free_bytes() == 1 << 30


def test_larger_weight_format_of_each_folder_is_expected(
    loader: AudioLoader, monkeypatch: pytest.MonkeyPatch, tone_folder: Path
) -> None:
    sizes = {
        "model.safetensors": 100,
        "pytorch_model.bin": 120,
        "vocoder/pytorch_model.bin": 30,
        "tokenizer.json": 1000,
    }
    files = tuple(ManifestFile(path, size, "") for path, size in sizes.items())
    manifest = Manifest(
        TONE, "local", "t", REVISION, Task.TEXT_TO_SPEECH, files, 1250, created_at=0.0
    )
    monkeypatch.setattr("audio_svc.loader.read_manifest", lambda *_: manifest)
    assert loader.find(TONE).expected_bytes == 150


def test_built_in_model_needs_no_manifest(
    settings: AudioSettings, slot: ComputeSlot, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "tone"}')
    spec = ModelSpec("ours", "built-in", Task.TEXT_TO_SPEECH, 64, tmp_path)
    tools = DeviceTools(lambda: "cpu", lambda _: 1 << 30, lambda _: 0, lambda _: None)
    loader = AudioLoader(
        settings.service,
        slot,
        SystemClock(),
        tools=tools,
        families=FAMILIES,
        built_in={"ours": spec},
    )
    loader.prepare()
    assert loader.find("ours", "built-in") is spec
    loaded = loader.load(spec)
    assert loaded.model.speech is not None
    loader.unload(spec, loaded.model)
