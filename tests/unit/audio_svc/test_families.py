from dataclasses import replace
from pathlib import Path

import pytest

from audio_svc.families import family_of, read_config
from fleetserve.errors import ConflictError, InvalidFieldError
from tests.unit.audio_svc.memory_models import FAMILIES, TONE


def test_family_is_found_by_the_model_type(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "tone"}')
    assert family_of(tmp_path, "m", FAMILIES) is FAMILIES[TONE]


@pytest.mark.parametrize("config", ['{"model_type": "bark"}', "{}"])
def test_unknown_family_lists_the_known_ones(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(InvalidFieldError, match="tone, fixed"):
        family_of(tmp_path, "m", FAMILIES)


def test_files_without_a_config_are_of_the_family_that_knows_them(tmp_path: Path) -> None:
    tone = replace(FAMILIES[TONE], is_in=lambda folder: (folder / "tone.yaml").is_file())
    families = FAMILIES | {TONE: tone}
    with pytest.raises(ConflictError, match=r"config\.json"):
        family_of(tmp_path, "m", families)
    (tmp_path / "tone.yaml").touch()
    assert family_of(tmp_path, "m", families) is tone
    (tmp_path / "config.json").write_text("{}")
    assert family_of(tmp_path, "m", families) is tone


@pytest.mark.parametrize("config", [None, "not json"])
def test_broken_files_are_told(tmp_path: Path, config: str | None) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(ConflictError, match="download it again"):
        read_config(tmp_path, "m")
