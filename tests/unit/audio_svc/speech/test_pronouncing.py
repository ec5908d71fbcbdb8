import pytest

from audio_svc.built_in import FOLDER
from audio_svc.speech.pronouncing import Pronouncer
from fleetserve.errors import InvalidFieldError


@pytest.fixture(scope="module")
def pronouncer() -> Pronouncer:
    return Pronouncer(FOLDER / "tiny_tts")


def test_words_of_the_table_are_said_as_it_has_them(pronouncer: Pronouncer) -> None:
    assert [sound.name for sound in pronouncer.say("letter")] == ["l", "E", "t#", "3", "_."]


def test_words_that_it_lacks_are_spelled(pronouncer: Pronouncer) -> None:
    said = [sound.name for sound in pronouncer.say("blonkering")]
    assert said[:2] == ["b", "l"]
    assert said[-2:] == ["N", "_."]


@pytest.mark.parametrize("text", ["", "日本", "..."])
def test_what_can_not_be_said_is_refused(pronouncer: Pronouncer, text: str) -> None:
    with pytest.raises(InvalidFieldError, match="Latin letters"):
        pronouncer.say(text)
