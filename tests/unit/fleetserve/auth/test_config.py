from pathlib import Path

import pytest

from fleetserve.auth.config import AuthConfig, load_auth_config
from fleetserve.auth.scopes import Scope
from fleetserve.config_sections import SettingsError

REPOSITORYS = Path(__file__).parents[4] / "auth.yaml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "auth.yaml"


def test_repositorys_file_tells_every_key_with_its_default() -> None:
    config, sources = load_auth_config(REPOSITORYS)
    assert config == AuthConfig()
    keys = {
        f"{section}.{key}"
        for section, values in AuthConfig().model_dump().items()
        for key in values
    }
    assert set(sources) == keys


def test_absent_file_gives_the_defaults(file: Path) -> None:
    config, sources = load_auth_config(file)
    assert config.tokens.access_minutes == 30
    assert not config.registration.open
    assert sources == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "tokens:\n  access_minuts: 3\n",
            "auth.yaml:2: tokens.access_minuts: no such key; did you mean access_minutes?",
        ),
        ("tokens:\n  refresh_days: 0\n", "auth.yaml:2: tokens.refresh_days: Input should be"),
        ("passwords:\n  min_length: 4\n", "Characters; 8 to 128"),
        ("lockot: {}\n", "auth.yaml:1: lockot: no such section; allowed: tokens, passwords,"),
        (
            "roles:\n  admin: [admin]\n  user: [predict, audoi]\n",
            "auth.yaml:3: roles.user: Input should be 'predict', 'audio'",
        ),
        ("roles:\n  admin: [admin]\n  U ser: []\n", "auth.yaml:3: roles.U ser: String should"),
        ("cors:\n  origins: [https://a.b/c]\n", "auth.yaml:2: cors.origins: "),
        ("cors:\n  origins: [a.b]\n", "is not an origin such as https://app.example.com"),
        ("roles:\n  user: [predict]\n", "auth.yaml:2: roles.admin: the role must be there"),
        ("roles:\n  admin: [predict]\n", "auth.yaml:2: roles.admin: the role must be there"),
        (
            "registration:\n  role: boss\n",
            "auth.yaml:2: registration.role: no such role 'boss'; allowed: viewer, user, operator",
        ),
        ("registration:\n  role: admin\n", "auth.yaml:2: registration.role: 'admin' has the"),
        ("lockout:\n  first_s: 7200\n", "auth.yaml:2: lockout.first_s: must not be above"),
        ("lockout:\n  max_s: 10\n", "auth.yaml:2: lockout.first_s: must not be above"),
        ("- a\n", "the file must be a mapping of sections: tokens,"),
        ("a: [\n", "auth.yaml: not readable as YAML"),
    ],
)
def test_error_names_file_line_key_and_what_is_allowed(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_auth_config(file)
    assert told in str(caught.value)


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    file.write_text("tokens:\n  access_minutes: 0\n  key_days: 400\n")
    with pytest.raises(SettingsError) as caught:
        load_auth_config(file)
    assert len(str(caught.value).splitlines()) == 2


def test_roles_of_the_file_are_all_there_are(file: Path) -> None:
    file.write_text("roles:\n  admin: [admin]\n  user: [predict]\n")
    config, _ = load_auth_config(file)
    assert set(config.roles) == {"admin", "user"}
    assert config.scopes_of("user") == {Scope.PREDICT}
    assert config.scopes_of("operator") == frozenset()


def test_origins_are_compared_in_lower_case(file: Path) -> None:
    file.write_text('cors:\n  origins: ["https://App.Example.com:8443", "*"]\n')
    assert load_auth_config(file)[0].cors.origins == ("https://app.example.com:8443", "*")


def test_each_class_has_its_limit() -> None:
    limits = AuthConfig().rate_limits.per_class()
    assert set(limits) == {"user", "key", "address", "login"}
    assert limits["login"] < limits["address"] < limits["user"] < limits["key"]
