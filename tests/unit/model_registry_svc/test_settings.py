from pathlib import Path

import pytest

from fleetserve.config_sources import SettingsError
from model_registry_svc.settings import SERVICE, WORKER, load_settings


def environ(folder: Path, **more: str) -> dict[str, str]:
    return {"FLEETSERVE_HOME": str(folder), "FLEETSERVE_CONFIG": str(folder / "none"), **more}


@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
def test_token_comes_from_the_environment(tmp_path: Path, name: str) -> None:
    assert load_settings(SERVICE, environ(tmp_path, **{name: "hf_x"})).hf_token == "hf_x"
    assert load_settings(SERVICE, environ(tmp_path)).hf_token == ""


def test_hub_is_the_one_of_the_environment(tmp_path: Path) -> None:
    settings = load_settings(WORKER, environ(tmp_path, HF_ENDPOINT="http://hub"))
    assert settings.service.config.models.hf_endpoint == "http://hub"
    assert settings.service.service == WORKER


def test_jobs_have_a_name_space_of_their_own(tmp_path: Path) -> None:
    settings = load_settings(SERVICE, environ(tmp_path, FLEETSERVE_PREFIX="fleet7"))
    assert settings.job_keys.job("a") == "fleet7:registry:job:a"


def test_wrong_value_is_told(tmp_path: Path) -> None:
    wrong = environ(tmp_path, FLEETSERVE_MODELS__PARALLEL_DOWNLOADS="0")
    with pytest.raises(SettingsError, match="parallel_downloads"):
        load_settings(SERVICE, wrong)
