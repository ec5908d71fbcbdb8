from pathlib import Path

import pytest

from fleetserve.clock import SystemClock
from fleetserve.init.__main__ import SERVICES, main, prepare
from fleetserve.init.settings import InitSettings
from fleetserve.settings import load_service_settings
from fleetserve.tokens import TokenSigner, TokenVerifier


@pytest.fixture
def settings(tmp_path: Path) -> InitSettings:
    (tmp_path / "redis").mkdir()
    return InitSettings(tmp_path / "secrets", tmp_path / "redis", "redis:6379")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_service_can_call_and_reach_redis(tmp_path: Path, settings: InitSettings) -> None:
    prepare(settings)
    token = TokenSigner(settings.secrets_dir, "gateway", SystemClock()).token_for("gpu-svc")
    assert TokenVerifier(settings.secrets_dir, "gpu-svc", SystemClock()).check(token) == "gateway"
    password = (settings.redis_dir / "password").read_text()
    for service in SERVICES:
        loaded = load_service_settings(service, {"FLEETSERVE_HOME": str(tmp_path)})
        assert loaded.redis_url == f"redis://:{password}@redis:6379/0"


def test_second_run_changes_nothing(tmp_path: Path, settings: InitSettings) -> None:
    prepare(settings)
    before = contents(tmp_path)
    prepare(settings)
    assert contents(tmp_path) == before


def test_folder_that_is_missing_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLEETSERVE_SECRETS_DIR", str(tmp_path / "secrets"))
    monkeypatch.setenv("FLEETSERVE_REDIS_DIR", str(tmp_path / "none"))
    with pytest.raises(SystemExit, match=r"none.* can't be written: No such file"):
        main()


def test_wrong_configuration_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLEETSERVE_BATCH__MAX_SIZE", "many")
    with pytest.raises(SystemExit, match="FLEETSERVE_BATCH__MAX_SIZE"):
        main()
