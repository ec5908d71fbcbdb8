import pytest

from audio_svc.built_in import FOLDER
from audio_svc.speech.pronouncing import Pronouncer
from audio_svc.speech.tiny_files import read_voice_config
from audio_svc.speech.tiny_text import ENDINGS
from audio_svc.speech.vallex_text import read_signs, signs_of, write_ipa


@pytest.fixture(scope="module")
def pronouncer() -> Pronouncer:
    return Pronouncer(FOLDER / "tiny_tts")


# As eng_to_ipa and the published cleaners write these, but for some vowels.
@pytest.mark.parametrize(
    ("text", "ipa"),
    [
        ("The quick brown fox jumped.", "ðə_kwɪk_bɹaʊn_fɑks_dʒəmpt."),
        ("over the lazy dog", "ˈoʊvəɹ_ðə_ˈleɪzi_dɑg."),
        ("Hello, world!", "həˈloʊ,_wəɹɫd!"),
        ("a girl? beautiful", "ə_gəɹɫ?_ˈbjutifəɫ."),
        ("during an experience; extra", "ˈdʊɹɪŋ_æn_ɛkˈspɪɹɪəns,_ˈɛkstɹə."),
        ("about button", "əˈbaʊt_ˈbətən."),
    ],
)
def test_text_is_written_in_the_signs_of_the_checkpoint(
    pronouncer: Pronouncer, text: str, ipa: str
) -> None:
    assert write_ipa(pronouncer.say(text)) == ipa


def test_numbers_are_those_of_the_published_tokenizer(pronouncer: Pronouncer) -> None:
    assert signs_of(pronouncer.say("hat?")) == [24, 42, 34, 12]
    numbers = read_signs().numbers
    assert (numbers["!"], numbers["_"], numbers["ɹ"], numbers["↓"]) == (5, 16, 55, 69)


def test_every_sound_and_every_ending_has_known_signs() -> None:
    signs, config = read_signs(), read_voice_config(FOLDER / "tiny_tts")
    spelled = {sound.lstrip("',") for sound in config.sounds[1:]}
    known = {name for name in spelled | set(config.phonemes) if not name.startswith("_")}
    assert known | set(ENDINGS.values()) <= set(signs.sounds)
    assert {sign for written in signs.sounds.values() for sign in written} <= set(signs.numbers)
    assert set("ˈˌɫ_") <= set(signs.numbers)
