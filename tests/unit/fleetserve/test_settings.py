from pathlib import Path

import pytest

from fleetserve.config_sources import SettingsError
from fleetserve.settings import DEFAULT_REDIS_URL, REDIS_URL_FILE, load_service_settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folders_stand_under_the_home(tmp_path: Path) -> None:
    settings = load_service_settings("gateway", {"FLEETSERVE_HOME": str(tmp_path / "h")})
    assert settings.models_dir == tmp_path / "h" / "models"
    assert settings.secrets_dir == tmp_path / "h" / "secrets"


def test_home_is_beside_the_caller_by_default(tmp_path: Path) -> None:
    assert load_service_settings("gateway", {}).home == tmp_path / ".fleetserve"


def test_a_folder_can_stand_elsewhere(tmp_path: Path) -> None:
    settings = load_service_settings("gateway", {"FLEETSERVE_MODELS_DIR": str(tmp_path / "m")})
    assert settings.models_dir == tmp_path / "m"


def test_relative_paths_become_absolute(tmp_path: Path) -> None:
    settings = load_service_settings("gateway", {"FLEETSERVE_CONFIG": "other.yaml"})
    assert settings.config_path == tmp_path / "other.yaml"


def test_config_file_beside_the_caller_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("batch:\n  max_size: 7\n")
    settings = load_service_settings("gateway", {})
    assert settings.config.batch.max_size == 7
    assert settings.sources["batch.max_size"] == f"{tmp_path / 'config.yaml'}:2"


def test_replica_id_is_given_or_made_anew() -> None:
    given = load_service_settings("audio-svc", {"FLEETSERVE_REPLICA_ID": "a1"})
    made = [load_service_settings("audio-svc", {}).replica_id for _ in range(2)]
    assert given.replica_id == "a1"
    assert made[0] != made[1]
    assert made[0].startswith("audio-svc-")


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        ("", ("127.0.0.1", 0)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:65535", ("[::1]", 65535)),
        ("gateway:0", ("gateway", 0)),
    ],
)
def test_listen_address_is_host_and_port(listen: str, expected: tuple[str, int]) -> None:
    settings = load_service_settings("gateway", {"FLEETSERVE_LISTEN": listen})
    assert (settings.listen_host, settings.listen_port) == expected


@pytest.mark.parametrize("listen", ["80", ":80", "host:", "host:http", "host:65536", "host:-1"])
def test_wrong_listen_address_is_told(listen: str) -> None:
    with pytest.raises(SettingsError, match="FLEETSERVE_LISTEN"):
        load_service_settings("gateway", {"FLEETSERVE_LISTEN": listen})


def test_what_is_not_set_has_a_default() -> None:
    settings = load_service_settings("gateway", {})
    assert settings.redis_url == DEFAULT_REDIS_URL
    assert settings.key_prefix == "fleetserve"
    assert settings.advertise is None
    assert settings.engine_socket is None
    assert settings.address_file is None


def test_the_process_environment_is_read_when_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:1/2")
    assert load_service_settings("gateway").redis_url == "redis://elsewhere:1/2"


@pytest.fixture
def handed_out(tmp_path: Path) -> Path:
    """The file with Redis's URL that is the gateway's."""
    path = tmp_path / ".fleetserve" / "secrets" / "gateway" / REDIS_URL_FILE
    path.parent.mkdir(parents=True)
    path.write_text("redis://:secret@redis:6379/0\n")
    return path


def test_redis_url_comes_from_the_file_handed_out_to_the_service(handed_out: Path) -> None:
    assert load_service_settings("gateway", {}).redis_url == "redis://:secret@redis:6379/0"
    assert load_service_settings("gpu-svc", {}).redis_url == DEFAULT_REDIS_URL


def test_redis_url_of_the_environment_wins_over_the_file(handed_out: Path) -> None:
    settings = load_service_settings("gateway", {"REDIS_URL": "redis://elsewhere:1/2"})
    assert settings.redis_url == "redis://elsewhere:1/2"


def test_redis_url_file_that_cannot_be_read_is_told(handed_out: Path) -> None:
    handed_out.unlink()
    handed_out.mkdir()
    with pytest.raises(SettingsError, match=r"redis\.url can't be read"):
        load_service_settings("gateway", {})
