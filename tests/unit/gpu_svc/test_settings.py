from pathlib import Path

import pytest

from fleetserve.config_sources import SettingsError
from gpu_svc.settings import load_settings


def test_environment_is_read(tmp_path: Path) -> None:
    recording = tmp_path / "gpu.json"
    recording.write_text("{}")
    environ = {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_GPU_RECORDING": str(recording),
        "CUDA_VISIBLE_DEVICES": "1",
        "DEVICE": "cuda:0",
    }
    settings = load_settings(environ)
    assert (settings.recording, settings.visible_devices) == (recording, "1")
    assert settings.service.config.inference.device == "cuda:0"


def test_unset_is_none(tmp_path: Path) -> None:
    settings = load_settings({"FLEETSERVE_HOME": str(tmp_path)})
    assert (settings.recording, settings.visible_devices) == (None, None)


def test_missing_recording_is_refused(tmp_path: Path) -> None:
    environ = {"FLEETSERVE_HOME": str(tmp_path), "FLEETSERVE_GPU_RECORDING": "/nowhere.json"}
    with pytest.raises(SettingsError, match="FLEETSERVE_GPU_RECORDING"):
        load_settings(environ)
