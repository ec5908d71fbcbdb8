from pathlib import Path

import pytest

from fleetserve.config_sources import SettingsError
from fleetserve.supervisor.services import FLEET, find_template
from fleetserve.supervisor.settings import load_supervisor_settings
from tests.unit.fleetserve.supervisor.conftest import MakeSettings


def test_defaults_are_a_fleet_on_loopback() -> None:
    settings = load_supervisor_settings({})
    assert (settings.bind, settings.port) == ("127.0.0.1", 8000)
    assert settings.home == Path.cwd() / ".fleetserve"
    assert settings.external_redis_url is None
    assert settings.start_timeout_s == 120.0


def test_environment_goes_over_config_yaml(make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("server:\n  port: 9000\n  bind: 127.0.0.2\n")
    settings = make_settings(PORT="9001")
    assert (settings.bind, settings.port) == ("127.0.0.2", 9001)


def test_replicas_at_the_start_come_from_the_configuration(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text("inference:\n  replicas: 3\n")
    settings = make_settings()
    counts = {template.name: settings.replica_count(template) for template in FLEET}
    assert counts["inference-svc"] == 3
    assert {counts[name] for name in counts if name != "inference-svc"} == {1}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eight thousand"),
        ("PORT", "70000"),
        ("FLEETSERVE_START_TIMEOUT_S", "soon"),
        ("FLEETSERVE_START_TIMEOUT_S", "-1"),
        ("FLEETSERVE_START_TIMEOUT_S", "nan"),
    ],
)
def test_wrong_value_names_the_variable(make_settings: MakeSettings, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        make_settings(**{name: value})


def test_no_color_is_honoured(make_settings: MakeSettings) -> None:
    assert make_settings().colour
    assert not make_settings(NO_COLOR="1").colour
    assert not make_settings(TERM="dumb").colour


def test_template_that_is_not_in_the_table_is_none() -> None:
    assert find_template(FLEET, "nobody") is None
