from pathlib import Path

import pytest

from fleetserve.config_sources import ENV_ALIASES, SettingsError, load_config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def test_nothing_set_gives_the_defaults_without_sources(tmp_path: Path) -> None:
    config, sources = load_config({}, tmp_path / "absent.yaml")
    assert config.server.port == 8000
    assert sources == {}


def test_environment_wins_over_file_wins_over_default(file: Path) -> None:
    file.write_text("server:\n  port: 1234\n  bind: 127.0.0.2\n")
    config, sources = load_config({"PORT": "4321"}, file)
    assert (config.server.port, config.server.bind) == (4321, "127.0.0.2")
    assert config.batch.max_size == 32
    assert sources == {"server.port": "environment PORT", "server.bind": f"{file}:3"}


def test_any_key_can_be_set_by_its_long_name() -> None:
    environ = {"FLEETSERVE_AUTOSCALER__INTERVAL_S": "2.5"}
    config, sources = load_config(environ, None)
    assert config.autoscaler.interval_s == 2.5
    assert sources["autoscaler.interval_s"] == "environment FLEETSERVE_AUTOSCALER__INTERVAL_S"


def test_lists_in_the_environment_are_written_as_in_the_file() -> None:
    environ = {"FLEETSERVE_SECURITY__ALLOWED_HOSTS": "[localhost, fleet.example]"}
    assert load_config(environ, None)[0].security.allowed_hosts == ("localhost", "fleet.example")


@pytest.mark.parametrize(("word", "truth"), [("true", True), ("1", True), ("false", False)])
def test_switches_take_the_usual_words(word: str, truth: bool) -> None:
    assert load_config({"ENABLE_AUTH": word}, None)[0].security.enable_auth is truth


def test_empty_short_name_counts_as_not_set() -> None:
    config, sources = load_config(dict.fromkeys(ENV_ALIASES, ""), None)
    assert config.server.port == 8000
    assert sources == {}


@pytest.mark.parametrize("text", ["", "# only words\n", "server:\n", "server: ~\nbatch: null\n"])
def test_empty_file_or_section_changes_nothing(file: Path, text: str) -> None:
    file.write_text(text)
    assert load_config({}, file)[1] == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("server:\n  prot: 1\n", "config.yaml:2: server.prot: no such key; did you mean port?"),
        ("server:\n  bind: x\n  port: 70000\n", "config.yaml:3: server.port: Input should be less"),
        ("servers:\n  port: 1\n", "config.yaml:1: servers: no such section; allowed: server,"),
        ("logging:\n  level: loud\n", "'debug', 'info', 'warning' or 'error'"),
        ("server: 8000\n", "config.yaml:1: server: must be a mapping"),
        ("- server\n", "must be a mapping of sections"),
        ("server: [\n", "not readable as YAML"),
        ("batch:\n  max_size: many\n", "(got 'many')"),
        ("batch:\n  max_size: !!python/name:os.system ''\n", "config.yaml:2: batch.max_size: "),
    ],
)
def test_wrong_file_is_told_with_line_key_and_what_is_allowed(
    file: Path, text: str, told: str
) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_config({}, file)
    assert told in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "http", "environment PORT: server.port:"),
        ("DEVICE", "gpu", "environment DEVICE: inference.device:"),
        ("FLEETSERVE_SERVER__PROT", "1", "environment FLEETSERVE_SERVER__PROT: server.prot: no"),
        ("FLEETSERVE_SECURITY__ALLOWED_HOSTS", "[", "environment FLEETSERVE_SECURITY__ALLOWED"),
        ("FLEETSERVE_SRV__PORT", "1", "environment FLEETSERVE_SRV__PORT: no section 'srv'"),
    ],
)
def test_wrong_variable_is_told_by_its_name(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_config({name: value}, None)
    assert told in str(caught.value)


def test_file_that_is_not_text_is_told(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not readable"):
        load_config({}, file)


def test_all_that_is_wrong_is_told_at_once(file: Path) -> None:
    file.write_text("server:\n  port: -1\nbatch:\n  max_size: 0\n")
    with pytest.raises(SettingsError) as caught:
        load_config({"DEVICE": "gpu"}, file)
    assert len(str(caught.value).splitlines()) == 3


def test_other_variables_of_the_fleet_are_not_keys() -> None:
    assert load_config({"FLEETSERVE_HOME": "x", "HOME": "y"}, None)[1] == {}
