import pytest

from autoscaler_svc.settings import load_settings
from fleetserve.config_sources import SettingsError


def test_local_processes_are_reached_by_the_supervisors_socket(environ: dict[str, str]) -> None:
    settings = load_settings(environ)
    assert settings.engine_url is None
    assert settings.service.service == "autoscaler-svc"
    assert not settings.leaves


def test_containers_are_reached_by_the_proxy_and_ended_with_the_process(
    environ: dict[str, str],
) -> None:
    settings = load_settings(environ | {"FLEETSERVE_ENGINE_URL": "http://engine-proxy:2375"})
    assert settings.engine_url == "http://engine-proxy:2375"
    assert settings.leaves


def test_address_of_something_else_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="FLEETSERVE_ENGINE_URL"):
        load_settings(environ | {"FLEETSERVE_ENGINE_URL": "/var/run/docker.sock"})


def test_without_an_engine_it_does_not_start(environ: dict[str, str]) -> None:
    del environ["FLEETSERVE_ENGINE_SOCKET"]
    with pytest.raises(SettingsError, match="what starts replicas"):
        load_settings(environ)
