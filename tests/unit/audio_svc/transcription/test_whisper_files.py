from pathlib import Path

from audio_svc.transcription.whisper_files import read_facts


def test_languages_are_those_of_the_generation_config(whisper_folder: Path) -> None:
    languages = read_facts(whisper_folder).languages
    assert len(languages) == 99
    assert {"en", "de", "haw"} <= set(languages)


def test_english_only_model_names_english(tmp_path: Path) -> None:
    (tmp_path / "generation_config.json").write_text('{"is_multilingual": false}')
    assert read_facts(tmp_path).languages == ("en",)


def test_model_without_the_file_counts_as_english_only(tmp_path: Path) -> None:
    assert read_facts(tmp_path).languages == ("en",)
