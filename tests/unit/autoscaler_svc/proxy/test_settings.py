import pytest

from autoscaler_svc.proxy.settings import load_settings
from fleetserve.config_sources import SettingsError

ENVIRON = {"FLEETSERVE_PROJECT": "fleet"}


def test_it_listens_beyond_loopback_and_speaks_to_the_usual_socket() -> None:
    settings = load_settings(ENVIRON)
    assert (settings.project, settings.host, settings.port) == ("fleet", "0.0.0.0", 2375)
    assert settings.socket.as_posix() == "/var/run/docker.sock"
    assert settings.log_level == "info"


def test_everything_can_be_set() -> None:
    settings = load_settings(
        {
            **ENVIRON,
            "FLEETSERVE_LISTEN": "127.0.0.1:1",
            "FLEETSERVE_DOCKER_SOCKET": "/tmp/d.sock",
            "LOG_LEVEL": "DEBUG",
        }
    )
    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.1", 1, "debug")
    assert settings.socket.as_posix() == "/tmp/d.sock"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLEETSERVE_PROJECT", ""),
        ("FLEETSERVE_PROJECT", "a b"),
        ("FLEETSERVE_PROJECT", "../x"),
        ("FLEETSERVE_LISTEN", "2375"),
        ("FLEETSERVE_LISTEN", "a:99999"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings({**ENVIRON, name: value})
