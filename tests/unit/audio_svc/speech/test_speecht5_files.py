from pathlib import Path

from audio_svc.speech.speecht5_files import order_voices, read_facts


def test_default_voice_comes_first_and_neutral_is_always_there() -> None:
    assert order_voices({"zoe", "default", "anna"}) == ("default", "anna", "neutral", "zoe")


def test_without_a_default_neutral_comes_first() -> None:
    assert order_voices({"anna"}) == ("neutral", "anna")


def test_facts_of_a_whole_model(speecht5_folder: Path) -> None:
    facts = read_facts(speecht5_folder)
    assert facts.voices == ("default", "neutral")
    assert facts.languages == ("en",)
    assert facts.missing == ""


def test_missing_vocoder_is_told_with_the_way_to_get_it(tmp_path: Path) -> None:
    assert "include_vocoder" in read_facts(tmp_path).missing
