from fleetserve.cli.settings import load_cli_settings


def test_defaults_are_the_local_fleet_without_a_token() -> None:
    settings = load_cli_settings({})
    assert settings.url == "http://127.0.0.1:8000"
    assert settings.token is None


def test_empty_variables_count_as_unset() -> None:
    settings = load_cli_settings({"FLEETSERVE_URL": "", "FLEETSERVE_TOKEN": ""})
    assert settings == load_cli_settings({"FLEETSERVE_URL": "", "FLEETSERVE_TOKEN": ""})
    assert (settings.url, settings.token) == ("http://127.0.0.1:8000", None)


def test_colour_is_off_where_it_is_not_wanted() -> None:
    assert load_cli_settings({}).colour
    assert not load_cli_settings({"NO_COLOR": "1"}).colour
    assert not load_cli_settings({"TERM": "dumb"}).colour
