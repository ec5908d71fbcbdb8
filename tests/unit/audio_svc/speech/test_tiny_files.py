import json
from pathlib import Path

from audio_svc.speech.tiny_files import read_facts, read_table, read_voice_config

CONFIG = {"voices": ["a", "b"], "languages": ["en"], "phonemes": ["t"], "shape": {"width": 8}}


def write(folder: Path) -> Path:
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "speller.json").write_text(json.dumps({"sounds": ["", "t"]}))
    return folder


def test_config_is_read(tmp_path: Path) -> None:
    config = read_voice_config(write(tmp_path))
    assert (config.voices, config.phonemes, config.sounds) == (("a", "b"), ("t",), ("", "t"))
    assert config.shape == {"width": 8}


def test_facts_are_voices_and_languages(tmp_path: Path) -> None:
    facts = read_facts(write(tmp_path))
    assert (facts.voices, facts.languages, facts.missing) == (("a", "b"), ("en",), "")


def test_table_has_the_sounds_of_each_word(tmp_path: Path) -> None:
    file = tmp_path / "table.txt"
    file.write_text("dog\td 'O g\nthe\tD @2\n")
    assert read_table(file) == {"dog": "d 'O g", "the": "D @2"}
