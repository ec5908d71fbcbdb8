from pathlib import Path

import pytest

from fleetserve.config_sources import SettingsError
from fleetserve.init.settings import DEFAULT_REDIS_ADDRESS, load_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folders_and_address_come_from_the_environment(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "FLEETSERVE_SECRETS_DIR": str(tmp_path / "s"),
            "FLEETSERVE_REDIS_DIR": str(tmp_path / "r"),
            "FLEETSERVE_REDIS_ADDRESS": "cache:1",
        }
    )
    assert settings.secrets_dir == tmp_path / "s"
    assert settings.redis_dir == tmp_path / "r"
    assert settings.redis_address == "cache:1"


def test_what_is_not_set_has_a_default(tmp_path: Path) -> None:
    settings = load_settings({"FLEETSERVE_HOME": str(tmp_path)})
    assert settings.secrets_dir == tmp_path / "secrets"
    assert settings.redis_dir == tmp_path / "redis"
    assert settings.redis_address == DEFAULT_REDIS_ADDRESS


@pytest.mark.parametrize("name", ["config.yaml", "auth.yaml"])
def test_mistake_in_a_configuration_file_stops_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("nonsense:\n  a: 1\n")
    with pytest.raises(SettingsError, match=f"{name}:1"):
        load_settings({})
