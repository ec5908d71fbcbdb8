import json
from pathlib import Path
from typing import Any

import pytest

from fleetserve.config_sources import SettingsError
from model_registry_svc.catalogue import Catalogue, load_catalogue

SHIPPED = Path(__file__).parents[3] / "models.json"
ENTRY: dict[str, Any] = {
    "source": "huggingface",
    "model_id": "org/m",
    "task": "fill-mask",
    "description": "d",
    "size_mb": 1.5,
    "license": "MIT",
}


def written(folder: Path, content: object) -> Path:
    path = folder / "models.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))
    return path


def refusal(folder: Path, content: object) -> str:
    path = written(folder, content)
    with pytest.raises(SettingsError) as caught:
        load_catalogue(path)
    return str(caught.value).replace(str(path), "models.json")


def test_shipped_catalogue_is_valid_and_names_a_default_voice() -> None:
    catalogue = load_catalogue(SHIPPED)
    speech = catalogue.available_models["speecht5_tts"]
    assert (speech.allow_pickle, speech.include_vocoder) == (True, True)
    assert [voice.name for voice in catalogue.voice_files(mirrors=True)] == ["default"]
    assert catalogue.load_at_start == ()


def test_shipped_groups_leave_no_model_out() -> None:
    catalogue = load_catalogue(SHIPPED)
    grouped = {name for names in catalogue.model_groups.values() for name in names}
    assert grouped == set(catalogue.available_models)


def test_no_file_is_an_empty_catalogue(tmp_path: Path) -> None:
    assert load_catalogue(tmp_path / "none.json") == Catalogue()


def test_entry_is_found_by_source_and_id(tmp_path: Path) -> None:
    catalogue = load_catalogue(written(tmp_path, {"available_models": {"m": ENTRY}}))
    assert catalogue.find("huggingface", "org/m") == catalogue.available_models["m"]
    assert catalogue.find("url", "org/m") is None


def test_wrong_value_is_named_with_line_key_and_what_is_allowed(tmp_path: Path) -> None:
    said = refusal(tmp_path, {"available_models": {"m": {**ENTRY, "task": "smell"}}})
    assert said.startswith("models.json:6: available_models.m.task: Input should be 'feature-")
    assert said.endswith("(got 'smell')")


def test_wrong_key_is_named_with_the_allowed_ones(tmp_path: Path) -> None:
    said = refusal(tmp_path, {"available_models": {"m": {**ENTRY, "licence": "MIT"}}})
    assert said.startswith("models.json:10: available_models.m.licence: no such key; allowed: ")
    assert "license" in said
    assert "no such key; allowed: available_models" in refusal(tmp_path, {"modells": {}})


def test_wrong_key_of_a_part_is_named_with_its_allowed_ones(tmp_path: Path) -> None:
    entry = {**ENTRY, "tts_features": {"lang": "en"}}
    assert "allowed: languages" in refusal(tmp_path, {"available_models": {"m": entry}})
    assert "allowed: address" in refusal(tmp_path, {"voices": {"v": {"url": "x"}}})


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, {"available_models": {"m": {**ENTRY, "task": "x", "size_mb": -1}}})
    assert len(said.splitlines()) == 2


def test_name_of_no_entry_is_told_with_a_near_one(tmp_path: Path) -> None:
    content = {"available_models": {"whisper-base": ENTRY}, "load_at_start": ["whisper-bse"]}
    said = refusal(tmp_path, content)
    assert said.startswith("models.json:12: load_at_start: 'whisper-bse' is not in available")
    assert said.endswith("did you mean 'whisper-base'?")


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ({"a/b": ENTRY}, "can't be a model's name"),
        ({"a_b": ENTRY, "a-b": ENTRY}, "are one name"),
    ],
)
def test_names_obey_the_rules_of_names(tmp_path: Path, models: object, said: str) -> None:
    assert said in refusal(tmp_path, {"available_models": models})


def test_text_that_is_no_json_is_told_with_its_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, '{\n  "a": 1,\n}').startswith("models.json:3: not JSON")
    assert "must be an object" in refusal(tmp_path, "[]")


def test_voice_without_a_whole_digest_is_refused(tmp_path: Path) -> None:
    voice = {"address": "https://h/v.npy", "sha256": "abc", "size": 1}
    assert "voices.v.sha256" in refusal(tmp_path, {"voices": {"v": voice}})


def test_alias_may_mean_one_model_or_several(tmp_path: Path) -> None:
    content = {
        "available_models": {"m": ENTRY, "n": {**ENTRY, "model_id": "org/n"}},
        "aliases": {"one": "m", "two": ["m", "n"]},
        "voice_aliases": {"alloy": ["low", "default"]},
    }
    catalogue = load_catalogue(written(tmp_path, content))
    assert catalogue.aliases == {"one": "m", "two": ("m", "n")}
    assert catalogue.voice_aliases == {"alloy": ("low", "default")}


@pytest.mark.parametrize("meant", ["k", ["m", "k"]])
def test_alias_of_no_model_is_told_with_its_line(tmp_path: Path, meant: object) -> None:
    said = refusal(tmp_path, {"available_models": {"m": ENTRY}, "aliases": {"x": meant}})
    assert "aliases.x: 'k' is not in available_models" in said


def test_alias_that_means_nothing_is_refused(tmp_path: Path) -> None:
    assert "aliases.x" in refusal(tmp_path, {"aliases": {"x": []}})
