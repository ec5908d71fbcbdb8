from transformers.models.whisper.tokenization_whisper import LANGUAGES

from audio_svc.language_names import language_name


def test_every_language_of_whisper_has_its_name() -> None:
    assert {code: language_name(code) for code in LANGUAGES} == LANGUAGES


def test_what_has_no_name_stays_a_code() -> None:
    assert language_name("und") == "und"
