from pathlib import Path

import pytest

from auth_svc.settings import load_settings
from fleetserve.config_sections import SettingsError


def test_everything_lies_under_the_data_folder(environ: dict[str, str], tmp_path: Path) -> None:
    settings = load_settings(environ)
    assert settings.service.service == "auth-svc"
    assert settings.folder == tmp_path / "data" / "auth"
    assert settings.database_url is None


def test_another_database_is_taken_by_its_url(environ: dict[str, str]) -> None:
    url = "postgresql://u:p@db/auth"
    assert load_settings({**environ, "AUTH_DATABASE_URL": url}).database_url == url


def test_wrong_auth_yaml_stops_the_start(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "auth.yaml").write_text("tokens:\n  access_minutes: never\n")
    with pytest.raises(SettingsError, match=r"auth\.yaml:2: tokens\.access_minutes"):
        load_settings(environ)
