from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from fleetserve.config_sections import Layers, SettingsError, read_file, section_names, validated


class Tank(BaseModel):
    model_config = ConfigDict(extra="forbid")
    litres: int = Field(10, ge=1, description="How much it holds.")
    name: str = "a"


class Farm(BaseModel):
    """Sections of fixed keys, and one whose keys are free."""

    model_config = ConfigDict(extra="forbid")
    tank: Tank = Tank()
    herds: dict[str, int] = {}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "farm.yaml"


@pytest.fixture
def layers() -> Layers:
    return Layers()


def test_values_of_the_file_come_with_their_lines(file: Path, layers: Layers) -> None:
    file.write_text("# farm\ntank:\n  litres: 5\nherds:\n  goats: 3\n")
    read_file(file, Farm, layers)
    assert validated(Farm, layers) == Farm(tank=Tank(litres=5), herds={"goats": 3})
    assert layers.sources == {"tank.litres": f"{file}:3", "herds.goats": f"{file}:5"}


def test_later_value_wins_and_is_the_one_that_is_named(file: Path, layers: Layers) -> None:
    file.write_text("tank:\n  litres: 5\n")
    read_file(file, Farm, layers)
    layers.put("tank", "litres", 0, "environment LITRES")
    with pytest.raises(SettingsError) as caught:
        validated(Farm, layers)
    assert str(caught.value).startswith("environment LITRES: tank.litres: ")
    assert str(caught.value).endswith("(got 0); How much it holds.")


def test_wrong_value_under_a_free_key_is_told_with_its_line(file: Path, layers: Layers) -> None:
    file.write_text("herds:\n  goats: many\n")
    read_file(file, Farm, layers)
    with pytest.raises(SettingsError, match=r"farm\.yaml:2: herds\.goats: "):
        validated(Farm, layers)


def test_nearest_key_is_offered(file: Path, layers: Layers) -> None:
    file.write_text("tank:\n  liters: 5\n")
    read_file(file, Farm, layers)
    with pytest.raises(SettingsError, match=r"did you mean litres[?] allowed: litres, name"):
        validated(Farm, layers)


def test_nothing_put_is_the_defaults(layers: Layers) -> None:
    assert validated(Farm, layers) == Farm()


def test_sections_are_named_in_their_order() -> None:
    assert section_names(Farm) == "tank, herds"
