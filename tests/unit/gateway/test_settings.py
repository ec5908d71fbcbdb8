from pathlib import Path

import pytest

from fleetserve.config_sources import SettingsError
from gateway.settings import (
    is_loopback,
    job_keys,
    load_settings,
    load_worker_settings,
    webhook_keys,
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    config = str(tmp_path / "config.yaml")
    return {
        "FLEETSERVE_HOME": str(tmp_path),
        "FLEETSERVE_CONFIG": config,
        "FLEETSERVE_AUTH": str(tmp_path / "auth.yaml"),
    }


def test_port_and_bind_are_the_gateways_address(environ: dict[str, str]) -> None:
    settings = load_settings({**environ, "PORT": "9000", "BIND": "127.0.0.2"}).service
    assert settings.service == "gateway"
    assert (settings.listen_host, settings.listen_port) == ("127.0.0.2", 9000)


def test_default_is_loopback_on_8000(environ: dict[str, str]) -> None:
    settings = load_settings(environ).service
    assert (settings.listen_host, settings.listen_port) == ("127.0.0.1", 8000)


def test_listen_wins_over_port_and_bind(environ: dict[str, str]) -> None:
    settings = load_settings(
        {**environ, "PORT": "9000", "FLEETSERVE_LISTEN": "127.0.0.1:0"}
    ).service
    assert (settings.listen_host, settings.listen_port) == ("127.0.0.1", 0)


def test_address_beyond_loopback_without_auth_is_refused_with_the_way_out(
    environ: dict[str, str],
) -> None:
    with pytest.raises(SettingsError, match=r"ENABLE_AUTH=true.*ALLOW_OPEN=true"):
        load_settings({**environ, "BIND": "0.0.0.0"})


def test_address_beyond_loopback_in_the_file_is_refused_too(environ: dict[str, str]) -> None:
    Path(environ["FLEETSERVE_CONFIG"]).write_text("server:\n  bind: 192.168.0.1\n")
    with pytest.raises(SettingsError, match=r"192\.168\.0\.1"):
        load_settings(environ)


@pytest.mark.parametrize("key", ["ENABLE_AUTH", "ALLOW_OPEN"])
def test_address_beyond_loopback_is_taken_when_it_is_meant(
    environ: dict[str, str], key: str
) -> None:
    assert (
        load_settings({**environ, "BIND": "0.0.0.0", key: "true"}).service.listen_host == "0.0.0.0"
    )


def test_containers_publish_by_bind_and_listen_on_all(environ: dict[str, str]) -> None:
    listen = {"FLEETSERVE_LISTEN": "0.0.0.0:8000"}
    with pytest.raises(SettingsError):
        load_settings({**environ, **listen, "BIND": "0.0.0.0"})
    assert load_settings({**environ, **listen}).service.listen_host == "0.0.0.0"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("example.org", False),
        ("", False),
    ],
)
def test_loopback_is_what_only_this_machine_reaches(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_auth_yaml_is_read_and_its_faults_are_named(environ: dict[str, str]) -> None:
    path = Path(environ["FLEETSERVE_AUTH"])
    path.write_text("rate_limits:\n  user: 7\n")
    assert load_settings(environ).auth.rate_limits.user == 7
    path.write_text("rate_limits:\n  user: many\n")
    with pytest.raises(SettingsError, match=r"auth\.yaml:2: rate_limits\.user"):
        load_settings(environ)


def test_worker_needs_no_address_and_keeps_its_jobs_apart(environ: dict[str, str]) -> None:
    settings = load_worker_settings({**environ, "BIND": "0.0.0.0", "FLEETSERVE_PREFIX": "f"})
    assert settings.service == "jobs-worker"
    assert job_keys(settings).job("a") == "f:jobs:job:a"
    assert webhook_keys(settings).job("a") == "f:webhooks:job:a"
