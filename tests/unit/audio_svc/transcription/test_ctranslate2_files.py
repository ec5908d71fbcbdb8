import json
from pathlib import Path

import pytest

from audio_svc.app import FAMILIES
from audio_svc.families import family_of
from audio_svc.transcription import ctranslate2_files
from audio_svc.transcription.ctranslate2_files import MISSING, is_ctranslate2, read_facts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that tell something; two of three languages are the model's."""
    tokens = {"<|startoftranscript|>": 50258, "<|en|>": 50259, "<|de|>": 50261, "<|yue|>": 50358}
    added = [{"content": token, "id": number} for token, number in tokens.items()]
    (tmp_path / "model.bin").touch()
    (tmp_path / "vocabulary.json").write_text("[]")
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    (tmp_path / "config.json").write_text(json.dumps({"lang_ids": [50259, 50261]}))
    return tmp_path


def test_files_are_known_by_their_layout(folder: Path, whisper_folder: Path) -> None:
    assert family_of(folder, "m", FAMILIES) is FAMILIES["ctranslate2"]
    assert family_of(whisper_folder, "m", FAMILIES) is FAMILIES["whisper"]
    (folder / "vocabulary.json").rename(folder / "vocabulary.txt")
    assert is_ctranslate2(folder)


def test_languages_are_those_that_the_config_names(folder: Path) -> None:
    facts = read_facts(folder)
    assert facts.languages == ("de", "en")
    assert facts.missing == ""


def test_english_only_model_has_the_tokens_of_others_and_knows_one(folder: Path) -> None:
    raw = (folder / "tokenizer.json").read_text().replace("50258", "50257")
    (folder / "tokenizer.json").write_text(raw)
    assert read_facts(folder).languages == ("en",)


def test_missing_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctranslate2_files, "is_installed", lambda: False)
    assert read_facts(folder).missing == MISSING
    assert "'ctranslate2'" in MISSING


def test_broken_files_name_no_language_but_english(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("nonsense")
    assert read_facts(folder).languages == ("en",)
