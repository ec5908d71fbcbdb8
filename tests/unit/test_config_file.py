"""The repository's config.yaml tells every section and key, with its default."""

import re
from pathlib import Path

import pytest
import yaml

from fleetserve.config import FleetConfig
from fleetserve.config_sources import ENV_ALIASES, load_config

FILE = Path(__file__).parents[2] / "config.yaml"
KEYS = [
    (section, key)
    for section, info in FleetConfig.model_fields.items()
    for key in type(info.get_default()).model_fields
]


@pytest.fixture(scope="module")
def lines() -> dict[tuple[str, str], str]:
    """The comment of each key, by section and key."""
    found, section = {}, ""
    for line in FILE.read_text().splitlines():
        matched = re.fullmatch(r"( *)(\w+):.*? # (.+)", line)
        if matched and not matched[1]:
            section = matched[2]
        elif matched:
            found[(section, matched[2])] = matched[3]
    return found


def test_every_value_is_the_default() -> None:
    assert load_config({}, FILE)[0] == FleetConfig()


def test_every_key_stands_there_in_the_order_of_the_code() -> None:
    told = yaml.safe_load(FILE.read_text())
    assert [(section, key) for section, keys in told.items() for key in keys] == KEYS


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_has_a_comment(lines: dict[tuple[str, str], str], section: str, key: str) -> None:
    assert len(lines[(section, key)]) > 10


def test_every_short_name_stands_with_its_key(lines: dict[tuple[str, str], str]) -> None:
    told = {
        found[1]: place for place, line in lines.items() if (found := re.match(r"\[(\w+)\]", line))
    }
    assert told == ENV_ALIASES
