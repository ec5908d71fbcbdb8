from pathlib import Path

import pytest

from audio_svc.speech import vits_files
from audio_svc.speech.vits_files import language_of, name_voices, read_facts
from tests.checkpoints.vits import write_mms_korean, write_vctk


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("eng", "en"),
        ("en_us", "en"),
        ("uzb-script_cyrillic", "uz"),
        ("hak", "hak"),
        (None, "en"),
    ],
)
def test_language_has_two_letters_where_there_are_two(said: str | None, code: str) -> None:
    assert language_of({"language": said}) == code


def test_speakers_are_numbered_and_one_is_the_default() -> None:
    assert name_voices(2) == ("speaker_0", "speaker_1")
    assert name_voices(0) == ("default",)


def test_facts_of_an_mms_model(tmp_path: Path) -> None:
    write_mms_korean(tmp_path)
    facts = read_facts(tmp_path)
    assert facts.voices == ("default",)
    assert facts.languages == ("ko",)
    assert facts.missing == ""


def test_model_that_reads_phonemes_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_vctk(tmp_path)
    assert read_facts(tmp_path).voices == ("speaker_0", "speaker_1", "speaker_2")
    assert "phonemizer" in read_facts(tmp_path).missing
    monkeypatch.setattr(vits_files, "_has_phonemizer", lambda: True)
    assert read_facts(tmp_path).missing == ""
